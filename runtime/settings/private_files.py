"""Protects the files of an installation, and its secrets: other accounts on the machine can't read or redirect them.

The log, the store, the access logs and Kafka's segments contain prompts and names, so the whole data folder has
mode 700. Its folders `run` and `log` must not be symbolic links, and files in them are never opened through one.

A secret must belong to this account and have mode 600, in a folder with mode 700. There are two exceptions for secrets
that an orchestrator mounts, which root owns and this account can't change:

* a file owned by root may be readable by a group of this account (Kubernetes' `defaultMode: 0400` with an `fsGroup`);
* the folder is not checked on a read-only file system, where nothing can be replaced.

Symbolic links to secrets are followed, because Kubernetes' volumes consist of them; their targets are checked.
"""

import errno
import os
import stat
from pathlib import Path

from ingest.log.atomic_write import FILE_MODE
from runtime.settings.settings import BadSettings

UMASK = 0o077  # of each of our processes: its files get mode 600, its folders 700
FOLDER_MODE = 0o700
ROOT = 0
_OTHERS, _GROUP_READS = 0o077, 0o040


class SymbolicLink(OSError, BadSettings):
    """A symbolic link takes the place of one of the installation's files; the message names it."""


def private_data_folder(folder: Path) -> None:
    """Create the data folder, or close an existing one to other accounts; this protects its contents too.

    Raises `BadSettings`: it belongs to another account, is shared like ``/tmp``, or can't be created.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"data: {folder} can't be created: {error.strerror}") from error
    found = folder.stat()
    if found.st_mode & stat.S_ISVTX or found.st_uid != os.geteuid():
        raise BadSettings(f"data: {folder} does not belong only to this account; name a new folder inside it")
    _close(folder, found)


def private_folder(folder: Path) -> None:
    """Create a folder inside the data folder, or close an existing one to other accounts.

    Raises `BadSettings`: there is a symbolic link, or another account's folder, in its place.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise _symbolic_link(folder)
    if found.st_uid != os.geteuid():
        raise BadSettings(f"{folder} belongs to another account: remove it")
    _close(folder, found)


def _close(folder: Path, found: os.stat_result) -> None:
    if found.st_mode & _OTHERS:
        folder.chmod(FOLDER_MODE)


def open_private(path: Path | str, flags: int) -> int:
    """Open or create a file with mode 600; an `opener` of `open`. Raises `SymbolicLink` rather than follow one."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise _symbolic_link(path) if error.errno == errno.ELOOP else error from None


def cache_folder() -> Path:
    """Return the folder for files that can be made again, in `XDG_CACHE_HOME` or `~/.cache`.

    As XDG specifies, a relative path is ignored. Raises `RuntimeError`: the account has no home.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "crewkit-sessions"


def _symbolic_link(path: Path | str) -> SymbolicLink:
    return SymbolicLink(f"{path} is a symbolic link, but an installation's files must not go elsewhere: remove it")


def read_secret(file: Path) -> str:
    """Return the text of a secret file, without surrounding whitespace. Raises `BadSettings`, `FileNotFoundError`."""
    try:
        with file.open() as opened:
            found = os.fstat(opened.fileno())  # of the very file that is read
            _check_owner(file, found)
            tolerated = _GROUP_READS if found.st_uid == ROOT != os.geteuid() else 0
            if found.st_mode & _OTHERS & ~tolerated:
                raise BadSettings(f"{file} is a secret, but other accounts can read or change it: chmod 600 {file}")
            return opened.read().strip()
    except (PermissionError, IsADirectoryError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file} can't be read: {getattr(error, 'strerror', error)}") from error


def check_secrets_folder(folder: Path) -> None:
    """Raise `BadSettings` if another account can replace or list the secrets in a folder."""
    found = folder.stat()
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return
    _check_owner(folder, found)
    if found.st_mode & _OTHERS:
        raise BadSettings(f"{folder} contains secrets but is open to other accounts: chmod 700 {folder}")


def make_secret(file: Path, text: str) -> None:
    """Write a secret unless the file exists. Raises `OSError`.

    Two processes that start at once agree on one value, because the second fails to create the link.
    """
    mine = file.with_name(f".{file.name}.{os.getpid()}")
    mine.unlink(missing_ok=True)
    with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(mine, file)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), ROOT):
        raise BadSettings(
            f"{path} is a secret, but belongs to another account (uid {found.st_uid}): "
            f"chown it to this one, then chmod {'700' if path.is_dir() else '600'} {path}"
        )
