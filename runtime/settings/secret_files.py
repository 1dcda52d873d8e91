"""Reads and writes files that contain a secret; refuses those that other accounts can read or change.

A secret must belong to this account and have mode 600, in a folder with mode 700. There are two exceptions for secrets
that an orchestrator mounts, which root owns and this account can't change:

* a file owned by root may be readable by a group of this account (Kubernetes' `defaultMode: 0400` with an `fsGroup`);
* the folder is not checked on a read-only file system, where nothing can be replaced.

Symbolic links are followed, because Kubernetes' volumes consist of them; their targets are checked.
"""

import os
from pathlib import Path

from runtime.settings.settings import BadSettings

ROOT = 0
_OTHERS, _GROUP_READS = 0o077, 0o040


def read_secret(file: Path) -> str:
    """Return the text of a secret file, without surrounding whitespace. Raises `BadSettings`, `FileNotFoundError`."""
    try:
        with file.open() as opened:
            _check(file, os.fstat(opened.fileno()))  # checks the very file that is read
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


def _check(file: Path, found: os.stat_result) -> None:
    _check_owner(file, found)
    tolerated = _GROUP_READS if found.st_uid == ROOT != os.geteuid() else 0
    if found.st_mode & _OTHERS & ~tolerated:
        raise BadSettings(f"{file} is a secret, but other accounts can read or change it: chmod 600 {file}")


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), ROOT):
        raise BadSettings(
            f"{path} is a secret, but belongs to another account (uid {found.st_uid}): "
            f"chown it to this one, then chmod {'700' if path.is_dir() else '600'} {path}"
        )
