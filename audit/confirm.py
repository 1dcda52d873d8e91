"""When a difference may be believed, while the tables that are compared are being written to.

Two rules keep it from crying wolf:

* Before anything is compared it is noted how far each partition is *settled*. What a session has seen beyond that is
  still being written, so a session, or a bucket that holds one, is *moving*, and not compared.
* The tables of one question are not read at the same instant, so a difference counts only when a second reading, begun
  after the first one ended, shows the very same numbers. What is derived may lag behind what is moving, but is never
  ahead of a source that is read after it.

What is moving, or differs for the first time, is read again after a short wait, and in the end reported as moving.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

READ_AGAIN_MAX = 3

L = TypeVar("L", bound=Hashable)
K = TypeVar("K", bound=Hashable)
L_co = TypeVar("L_co", bound=Hashable, covariant=True)
K_co = TypeVar("K_co", bound=Hashable, covariant=True)


class Found(Protocol[L_co, K_co]):
    """What one reading found; ``moving`` and ``different`` count all, the lists may be cut."""

    @property
    def compared(self) -> int: ...
    @property
    def moving(self) -> int: ...
    @property
    def moving_keys(self) -> Sequence[K_co]: ...
    @property
    def different(self) -> int: ...
    @property
    def lines(self) -> Sequence[L_co]: ...


class Believed(NamedTuple, Generic[L]):
    """The lines that differ for certain. ``moving`` rows could not be compared; ``cut``: there are more lines."""

    lines: list[L]
    moving: int
    cut: bool


async def believed(
    first: Found[L, K],
    key_of: Callable[[L], K],
    read_again: Callable[[list[K]], Awaitable[Found[L, K]]],
    pause: Callable[[], Awaitable[None]],
) -> Believed[L]:
    """Read what is in doubt again until nothing is, or often enough."""
    found, before = first, frozenset[L]()
    unread, cut = 0, False
    for _ in range(READ_AGAIN_MAX):
        unread += found.moving - len(found.moving_keys)
        cut = cut or found.different > len(found.lines)
        if not found.moving_keys and before == frozenset(found.lines):
            break
        before = frozenset(found.lines)
        await pause()
        found = await read_again(_in_doubt(found, key_of))
    doubtful = {key_of(line) for line in found.lines if line not in before}
    lines = [line for line in found.lines if line in before]
    return Believed(lines, unread + len(found.moving_keys) + len(doubtful), cut)


def _in_doubt(found: Found[L, K], key_of: Callable[[L], K]) -> list[K]:
    """What has to be read again, each once, in the order in which it was found."""
    return list(dict.fromkeys([*found.moving_keys, *map(key_of, found.lines)]))
