"""Files in ``DIR/run``: the URL by which commands find a running installation, and the lock of its process.

The log and the store of the embedded default cannot be shared, so one process holds the lock.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ingest.log.atomic_write import write_whole
from runtime.services.ports import reachable
from runtime.settings.private_files import open_private, private_folder
from store.broken import Broken


class Address(Struct, frozen=True):
    """The base URL of an installation."""

    url: str


def write_address(folder: Path, host: str, port: int) -> str:
    """Write the URL and return it. If the host stands for every interface, the URL uses loopback."""
    name = reachable(host)
    url = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    file = folder / "run" / "address.json"
    private_folder(file.parent)
    write_whole(file, msgspec.json.encode(Address(url)).decode())
    return url


def read_address(folder: Path) -> str | None:
    """Return the URL, or None if no installation has ever been started there."""
    try:
        return msgspec.json.decode((folder / "run" / "address.json").read_bytes(), type=Address).url
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


@contextlib.contextmanager
def locked_folder(folder: Path, *, needed: bool = True) -> Iterator[None]:
    """Lock ``folder`` for this process; do nothing unless ``needed``. Raises `Broken`: another process has the lock."""
    if not needed:
        yield
        return
    run = folder / "run"
    private_folder(run)
    with open(run / "lock", "a", opener=open_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Broken(f"another process uses {folder}: stop it, or choose another with --data") from error
        yield


def is_in_use(folder: Path) -> bool:
    """Return whether an installation that was started there still holds the lock."""
    if read_address(folder) is None:
        return False
    try:
        with locked_folder(folder):
            return False
    except Broken:
        return True
