"""Allow one process per data folder of the embedded default, whose log and store cannot be shared."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from kernel.broken import Broken
from runtime.private_files import open_private, private_folder


@contextlib.contextmanager
def locked_folder(folder: Path, *, needed: bool = True) -> Iterator[None]:
    """Lock ``folder`` for this process; do nothing unless ``needed``.

    Raises:
        Broken: another process holds the lock.
    """
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
