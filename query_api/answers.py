"""Remembers answers of the store, so that many dashboards that ask the same cost one.

An answer follows from a generation, a question, its parameters, and what the tables hold. All of them are its key; org
and visible user are parameters, and roles change only what is made of the rows. Of the tables the key has the offset up
to which each partition was visible before the question was asked: an answer for these offsets contains all records
below them, which is what a reply for these offsets claims. No question may ask for the time; dates are parameters.

A repair, or a row that arrived before its offset is reported, changes tables and no offset. So an answer lives for a
second after it was asked for. What is not reported to be visible is not remembered.

A caller that was shown one session, which is read anew each time, must not be shown an older list after it. So such a
read ends what is remembered for its org.

Equal questions at the same time are asked once. A caller that leaves does not end them, unless it was the last.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, cast

import msgspec
from msgspec import Struct

from query_api.question import P, Question, R

BYTES_MAX = 64 << 20
LIVES_S = 1.0
ROWS_MAX = 10_000  # of one answer; more take too long to encode beside other requests
ENTRY_BYTES = 512  # of an entry beside key and answer

Key = bytes
Ask = Callable[[], Awaitable[list[R]]]


class _Remembered(Struct, frozen=True):
    """The encoded rows of an answer, and when it was asked for."""

    rows: bytes
    began: float


class _Asked:
    """A question that is being asked, and how many callers wait for it."""

    def __init__(self, task: "asyncio.Task[list[Any]]") -> None:
        self.task = task
        self.waiting = 0


class Answers:
    """A bounded memory of encoded answers, the oldest of which leave first. Used from one event loop."""

    def __init__(
        self, bytes_max: int = BYTES_MAX, lives_s: float = LIVES_S, clock: Callable[[], float] = monotonic
    ) -> None:
        self._bytes_max, self._lives_s, self._clock = bytes_max, lives_s, clock
        self._remembered: OrderedDict[Key, _Remembered] = OrderedDict()
        self._under_way: dict[Key, _Asked] = {}
        self._shown: Counter[str] = Counter()  # by org: reads that may have shown more than is remembered
        self.bytes = 0

    def shown(self, org_id: str) -> None:
        """Note that more may have been shown to an org than is remembered for it: that is not used again."""
        self._shown[org_id] += 1

    def age_of(self, org_id: str) -> int:
        """Return a number that grows with each `shown`; it belongs into the key of an answer."""
        return self._shown[org_id]

    async def get(self, key: Key | None, question: Question[P, R], ask: Ask[R]) -> list[R]:
        """Return the rows remembered under a key, else those that ``ask`` returns; without a key always the latter.

        Callers at the same time share one list, which they must not change.

        Raises:
            Exception: what ``ask`` raises, in each caller that waits for it. An error is not remembered.
        """
        if key is None:
            return await ask()
        known = self._remembered.get(key)
        if known is not None and not self._is_old(known):
            return msgspec.msgpack.decode(known.rows, type=list[question.row])  # type: ignore[name-defined]  # as in `reader`
        asked = self._under_way.get(key)
        if asked is None:
            asked = self._under_way[key] = _Asked(asyncio.create_task(self._ask(key, ask)))
        return cast(list[R], await self._wait(key, asked))

    async def _wait(self, key: Key, asked: _Asked) -> list[Any]:
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
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
        if (encoded := _encoded(rows)) is not None:
            self._remember(key, _Remembered(encoded, began))
        return rows

    def _drop(self, key: Key, asked: _Asked) -> None:
        if self._under_way.get(key) is asked:
            del self._under_way[key]

    def _remember(self, key: Key, answer: _Remembered) -> None:
        """Remember an answer, unless it is too large or too old by now."""
        self._forget()
        size = _size(key, answer)
        if size > self._bytes_max or self._is_old(answer):
            return
        if (before := self._remembered.pop(key, None)) is not None:
            self.bytes -= _size(key, before)
        self._remembered[key] = answer
        self.bytes += size
        while self.bytes > self._bytes_max:
            self._pop_oldest()

    def _forget(self) -> None:
        """Remove what is too old. Answers are in the order in which they came, so a slow one may hide an older one."""
        while self._remembered and self._is_old(next(iter(self._remembered.values()))):
            self._pop_oldest()

    def _is_old(self, answer: _Remembered) -> bool:
        return self._clock() - answer.began >= self._lives_s

    def _pop_oldest(self) -> None:
        key, answer = self._remembered.popitem(last=False)
        self.bytes -= _size(key, answer)


def key_of(generation: str, reached: Mapping[int, int], age: int, question: Question[P, R], params: P) -> Key | None:
    """Return the key of an answer for the ``age`` of its org.

    None if no offset is known to be visible, so that nothing would bound its age.
    """
    if not reached:
        return None
    return msgspec.msgpack.encode((generation, sorted(reached.items()), age, question.name, params))


def _encoded(rows: list[Any]) -> bytes | None:
    """Return the rows as bytes, or None if there are too many, or a number of them has more than 64 bits."""
    try:
        return msgspec.msgpack.encode(rows) if len(rows) <= ROWS_MAX else None
    except OverflowError:
        return None


def _size(key: Key, answer: _Remembered) -> int:
    return len(key) + len(answer.rows) + ENTRY_BYTES
