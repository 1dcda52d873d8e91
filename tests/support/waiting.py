"""Wait for a condition instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
# Between looks. A look often asks an installation, which takes it up to 0.1 s of a processor that others need.
PAUSE_S, LONGER, PAUSE_MAX_S = 0.02, 1.2, 0.25


def eventually(look: Callable[[], Found | None], *, within_s: float = 20.0) -> Found:
    """Return the first truthy result of `look`. Raises `AssertionError` if there is none in time."""
    deadline, pause_s = time.monotonic() + within_s, PAUSE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {within_s} s"
        time.sleep(pause_s)
        pause_s = min(PAUSE_MAX_S, pause_s * LONGER)
    return found
