"""Caches answers of the store, so that many dashboards with the same question cost one query.

An answer depends on the generation, the question, its parameters, and the contents of the tables. The key has all four.
The org and the visible user are parameters; roles only change what a reply makes of the rows. The contents are
represented by the offset below which each partition was visible before the question was asked: an answer for these
offsets contains all records below them, which is what a reply claims. A question must not depend on the current time;
dates are parameters.

A repair changes tables but no offset, and so does a row that arrives before its offset is reported. So an answer
expires one second after its question was asked. If no offset is known to be visible, the answer is not cached.

A single session is always read from the store. A caller that has seen one must not see an older list afterwards, so
such a read invalidates the cached answers of its org.

Concurrent equal questions share one query. It is cancelled when the last of its callers leaves.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, cast

import msgspec
from msgspec import Struct

from store.reading.question import P, Question, R

BYTES_MAX = 64 << 20
LIVES_S = 1.0
ROWS_MAX = 10_000  # of one answer; encoding more would hold up other requests
ENTRY_BYTES = 512  # overhead of an entry, besides its key and answer

Key = bytes
Ask = Callable[[], Awaitable[list[R]]]


class _Remembered(Struct, frozen=True):
    """The encoded rows of an answer, and when it was asked for."""

    rows: bytes
    began: float


class _Asked(Struct):
    """A question that is being asked, and how many callers wait for it."""

    task: "asyncio.Task[list[Any]]"
    waiting: int = 0


class Answers:
    """A bounded cache of encoded answers that evicts the oldest first. Used from one event loop."""

    def __init__(self, bytes_max: int = BYTES_MAX, clock: Callable[[], float] = monotonic) -> None:
        self._bytes_max, self._clock = bytes_max, clock
        self._remembered: OrderedDict[Key, _Remembered] = OrderedDict()
        self._under_way: dict[Key, _Asked] = {}
        self._shown: Counter[str] = Counter()  # by org: reads that may have shown newer data than the cache has
        self.bytes = 0

    def shown(self, org_id: str) -> None:
        """Note that an org may have seen newer data than the cache has: don't use its cached answers again."""
        self._shown[org_id] += 1

    def age_of(self, org_id: str) -> int:
        """Return a number that grows with each `shown`; it is part of the key of an answer."""
        return self._shown[org_id]

    async def get(self, key: Key | None, question: Question[P, R], ask: Ask[R]) -> list[R]:
        """Return the rows cached under a key, or those that ``ask`` returns if there are none or no key is given.

        Concurrent callers share one list, which they must not change. What ``ask`` raises is raised in each caller
        that waits for it, and is not cached.
        """
        if key is None:
            return await ask()
        known = self._remembered.get(key)
        if known is not None and not self._is_old(known):
            return msgspec.msgpack.decode(known.rows, type=list[question.row])  # type: ignore[name-defined]  # as in `reader`
        asked = self._under_way.get(key)
        if asked is None:
            asked = self._under_way[key] = _Asked(asyncio.create_task(self._ask(key, ask)))
        asked.waiting += 1
        try:
            return cast(list[R], await asyncio.shield(asked.task))
        finally:
            asked.waiting -= 1
            if not asked.waiting and not asked.task.done():
                asked.task.cancel()
                self._drop(key, asked)

    async def _ask(self, key: Key, ask: Ask[Any]) -> list[Any]:
        began, asked = self._clock(), self._under_way[key]
        try:
            rows = await ask()
        finally:
            self._drop(key, asked)
        if len(rows) > ROWS_MAX:
            return rows
        try:
            encoded = msgspec.msgpack.encode(rows)
        except OverflowError:  # a number of more than 64 bits
            return rows
        self._remember(key, _Remembered(encoded, began))
        return rows

    def _drop(self, key: Key, asked: _Asked) -> None:
        if self._under_way.get(key) is asked:
            del self._under_way[key]

    def _remember(self, key: Key, answer: _Remembered) -> None:
        """Store an answer, unless it is too large or has expired meanwhile."""
        # Evict expired answers up to the first fresh one. A slow answer is stored late, so it may stay longer.
        while self._remembered and self._is_old(next(iter(self._remembered.values()))):
            self._pop_oldest()
        size = _size(key, answer)
        if size > self._bytes_max or self._is_old(answer):
            return
        if (before := self._remembered.pop(key, None)) is not None:
            self.bytes -= _size(key, before)
        self._remembered[key] = answer
        self.bytes += size
        while self.bytes > self._bytes_max:
            self._pop_oldest()

    def _is_old(self, answer: _Remembered) -> bool:
        return self._clock() - answer.began >= LIVES_S

    def _pop_oldest(self) -> None:
        key, answer = self._remembered.popitem(last=False)
        self.bytes -= _size(key, answer)


def key_of(generation: str, reached: Mapping[int, int], age: int, question: Question[P, R], params: P) -> Key | None:
    """Return the key of an answer for the ``age`` of its org.

    Return None if no offset is known to be visible: nothing would bound the age of the answer.
    """
    if not reached:
        return None
    return msgspec.msgpack.encode((generation, sorted(reached.items()), age, question.name, params))


def _size(key: Key, answer: _Remembered) -> int:
    return len(key) + len(answer.rows) + ENTRY_BYTES
