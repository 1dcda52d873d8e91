"""Protects the files of an installation: other accounts on the machine can't read or redirect them.

The log, the store, the access logs and Kafka's segments contain prompts and names, so the whole data folder has
mode 700. Its folders `run` and `log` must not be symbolic links, and files in them are never opened through one.
"""

import errno
import os
import stat
from pathlib import Path

from ingest.log.atomic_write import FILE_MODE
from runtime.settings.settings import BadSettings

UMASK = 0o077  # of each of our processes: its files get mode 600, its folders 700
FOLDER_MODE = 0o700
_OTHERS = 0o077


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
