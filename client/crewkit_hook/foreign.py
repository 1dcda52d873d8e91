"""Reads files that others control (repositories, agents, other programs), and makes text of servers printable.

Opening a file must not block and reading it must end, whatever a folder holds. So only regular files are read, and only
a bounded part of them. The hook imports this module while its agent waits, so it imports only what Python has loaded.
"""

from __future__ import annotations

import os
import stat

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_READ_BYTES = 1 << 16
_CHARACTERS_MAX = 300


def opened(path: str, *, follow_links: bool = True) -> int:
    """Open a regular file to read it, without waiting; return its descriptor.

    Raises `OSError` if it does not exist, can't be read, or isn't regular: a pipe or a device, for example.
    """
    try:
        fd = os.open(path, _FLAGS if follow_links else _FLAGS | os.O_NOFOLLOW)
    except ValueError as error:  # not a valid path
        raise OSError(str(error)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):  # checked after opening: before it, the file might still be replaced
        os.close(fd)
        raise OSError(f"{path!r} is not a regular file")
    return fd


def start_of(path: str, size: int, *, follow_links: bool = True) -> bytes:
    """Return the first bytes of a regular file, at most ``size``. Raises as `opened` does."""
    fd = opened(path, follow_links=follow_links)
    parts = []
    try:
        while size > 0 and (part := os.read(fd, min(size, _READ_BYTES))):
            parts.append(part)
            size -= len(part)
    finally:
        os.close(fd)
    return b"".join(parts)


def printable(text: str) -> str:
    """Return the first characters of a text, with a space for each that isn't safe to show in a terminal."""
    return "".join(character if character.isprintable() else " " for character in text[:_CHARACTERS_MAX])
