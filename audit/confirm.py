"""Confirms differences while the compared tables are being written.

Two rules prevent false alarms:

* Before a comparison, the offset below which each partition is *settled* is noted. A session with a later record is
  still being written. Such a session, or a bucket that contains one, is *moving* and is not compared.
* The tables of one question are not read at the same instant. So a difference counts only if a second comparison,
  begun after the first one ended, shows the same numbers. Derived rows may lag behind their source, but they are never
  ahead of a source that is read after them.

Moving rows and new differences are compared again after a short wait; those that remain are reported as moving.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

COMPARED_AGAIN_MAX = 3
Pause = Callable[[], Awaitable[None]]

L = TypeVar("L", bound=Hashable)
K = TypeVar("K", bound=Hashable)


class Comparison(Struct, Generic[L, K], frozen=True):
    """The result of one comparison; ``moving`` and ``different`` count all rows, but the lists may be truncated."""

    compared: int
    moving: int
    moving_keys: list[K]
    different: int
    lines: list[L]


class Confirmed(NamedTuple, Generic[L]):
    """The lines that definitely differ. ``moving`` rows could not be compared; ``cut`` if there are more lines."""

    lines: list[L]
    moving: int
    cut: bool


async def confirmed_differences(
    first: Comparison[L, K],
    key_of: Callable[[L], K],
    compare_again: Callable[[list[K]], Awaitable[Comparison[L, K]]],
    pause: Pause,
) -> Confirmed[L]:
    """Compare unconfirmed rows again until none are left, at most `COMPARED_AGAIN_MAX` times."""
    found, before = first, frozenset[L]()
    unlisted, cut = 0, False
    for _ in range(COMPARED_AGAIN_MAX):
        unlisted += found.moving - len(found.moving_keys)
        cut = cut or found.different > len(found.lines)
        if not found.moving_keys and (not found.lines or before == frozenset(found.lines)):
            break
        before = frozenset(found.lines)
        await pause()
        again = dict.fromkeys([*found.moving_keys, *map(key_of, found.lines)])  # in order, without duplicates
        found = await compare_again(list(again))
    unconfirmed = {key_of(line) for line in found.lines if line not in before}
    lines = [line for line in found.lines if line in before]
    return Confirmed(lines, unlisted + len(found.moving_keys) + len(unconfirmed), cut)
