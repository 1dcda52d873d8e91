"""Reads files that others control: those of repositories and agents, and what any program may have put beside them.

Opening one must not wait, and reading one must end, whatever a folder holds. So only a regular file is read, and only a
bounded part of it. The hook imports this module while its agent waits, so it imports only what Python has loaded.
"""

from __future__ import annotations

import os
import stat

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_READ_BYTES = 1 << 16


def opened(path: str, *, follow_links: bool = True) -> int:
    """Open a regular file to read it, without waiting; return its descriptor.

    Raises:
        OSError: it is not there, can't be read, or is something else, such as a pipe or a device.
    """
    try:
        fd = os.open(path, _FLAGS if follow_links else _FLAGS | os.O_NOFOLLOW)
    except ValueError as error:  # no path of this system
        raise OSError(str(error)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):  # decided now: it may have been replaced before it was opened
        os.close(fd)
        raise OSError(f"{path!r} is not a regular file")
    return fd


def start_of(path: str, size: int, *, follow_links: bool = True) -> bytes:
    """Return the first bytes of a regular file, at most ``size``.

    Raises:
        OSError: as `opened`.
    """
    fd = opened(path, follow_links=follow_links)
    parts = []
    try:
        while size > 0 and (part := os.read(fd, min(size, _READ_BYTES))):
            parts.append(part)
            size -= len(part)
    finally:
        os.close(fd)
    return b"".join(parts)
