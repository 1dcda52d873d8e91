"""The spool: a folder with one file for each waiting event, written as in a Maildir.

A file is written under `tmp`, and renamed into `new` once it is complete. So nothing needs a lock, a killed writer
leaves no partial event, a stopped writer blocks no other, and a full disk loses only the events written while it is
full. A file's name begins with the time, and ends with the id that the event keeps on its way.

The hook imports this module while its agent waits, so it imports only what Python has loaded.
"""

from __future__ import annotations

import fcntl
import os
import time

from crewkit_hook import foreign

HOME_VARIABLE = "CREWKIT_HOOK_HOME"
SETTINGS = "settings.json"
TMP, NEW, FULL, DROPPED, SENDER_LOCK = "tmp", "new", "full", "dropped", "sender.lock"
RECORD_BYTES_MAX = 65 << 20  # the largest payload that a hook notes, and its header
_COUNT_BYTES = 16
_TRIES = 50  # for a lock that is held for microseconds


def home() -> str:
    """Return the client's folder: ``~/.crewkit-hook``, unless the environment names another one."""
    return os.environ.get(HOME_VARIABLE) or os.path.join(os.path.expanduser("~"), ".crewkit-hook")


def make(home: str) -> None:
    """Make the folder, accessible only to its user, with everything that a hook needs."""
    for folder in (home, os.path.join(home, TMP), os.path.join(home, NEW)):
        os.makedirs(folder, 0o700, exist_ok=True)
    with open(os.path.join(home, DROPPED), "a+b") as file:
        if file.tell() < _COUNT_BYTES:  # allocate the counter's bytes now: it must work on a full disk
            file.write(b"0".rjust(_COUNT_BYTES))


def put(home: str, at_ms: int, header: dict[str, str], payload: bytes) -> bool:
    """Write an event; return whether there was room for it. Events without room are counted."""
    name = f"{at_ms:013d}-{os.urandom(16).hex()}"
    temporary = os.path.join(home, TMP, f"{os.getpid()}-{name}")
    try:
        if os.path.exists(os.path.join(home, FULL)):
            raise OSError("the spool is full")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            left = memoryview(encode(header) + b"\n" + payload)
            while left:
                left = left[os.write(fd, left) :]
        finally:
            os.close(fd)
        os.rename(temporary, os.path.join(home, NEW, name))
    except OSError:
        count_dropped(home)
        try:
            os.unlink(temporary)
        except OSError:
            pass
        return False
    return True


def waiting(home: str) -> list[str]:
    """Return the names of the waiting events, oldest first."""
    return sorted(os.listdir(os.path.join(home, NEW)))


def read(home: str, name: str) -> bytes | None:
    """Return a waiting event; None if it can't be read, or is larger than a hook writes."""
    try:
        record = foreign.start_of(os.path.join(home, NEW, name), RECORD_BYTES_MAX + 1, follow_links=False)
    except OSError:
        return None
    return record if len(record) <= RECORD_BYTES_MAX else None


def encode(header: dict[str, str]) -> bytes:
    """Return a header as one line."""
    fields = [f"{name}={value}" for name, value in header.items()]
    text = "\t".join(field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") for field in fields)
    return text.encode("utf-8", "surrogateescape")


def decode(line: bytes) -> dict[str, str]:
    """Return the header of a line."""
    header = {}
    for field in line.decode("utf-8", "surrogateescape").split("\t"):
        parts = [part.replace("\\t", "\t").replace("\\n", "\n") for part in field.split("\\\\")]
        name, _, value = "\\".join(parts).partition("=")
        header[name] = value
    return header


def is_sending(home: str) -> bool:
    """Return whether a sender is running."""
    lock = _lock_sender(home)
    if lock is None:
        return True
    os.close(lock)
    return False


def sender(home: str) -> int:
    """Return the process id of the running sender; 0 if there is none."""
    if not is_sending(home):
        return 0
    with open(os.path.join(home, SENDER_LOCK), "rb") as file:
        return int(file.read(_COUNT_BYTES).strip() or b"0")


def lock_sender(home: str) -> int | None:
    """Become the only sender; return the lock, to be kept open, or None if another sender is running."""
    lock = _lock_sender(home)
    if lock is not None:
        try:
            os.pwrite(lock, str(os.getpid()).encode().ljust(_COUNT_BYTES), 0)
        except OSError:  # no room; without the process id, only `status` and messages suffer
            pass
    return lock


def unlock_sender(lock: int) -> None:
    """Stop being the sender."""
    try:
        os.ftruncate(lock, 0)  # another process may get the same id soon
    except OSError:
        pass
    os.close(lock)


def _lock_sender(home: str) -> int | None:
    fd = os.open(os.path.join(home, SENDER_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def dropped(home: str) -> int:
    """Return how many events were dropped because there was no room."""
    try:
        with open(os.path.join(home, DROPPED), "rb") as file:
            return int(file.read(_COUNT_BYTES) or b"0")
    except (OSError, ValueError):
        return 0


def count_dropped(home: str) -> None:
    """Count a lost event. The counter's bytes exist already, so this works on a full disk.

    The wait for the lock is short: a process may have been stopped while it held the lock.
    """
    fd = os.open(os.path.join(home, DROPPED), os.O_RDWR)
    try:
        for _ in range(_TRIES):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.0002)
        count = int(os.pread(fd, _COUNT_BYTES, 0) or b"0") + 1
        os.pwrite(fd, str(count).encode().rjust(_COUNT_BYTES), 0)
    finally:
        os.close(fd)
