"""The check of a log's copies while a keeper trims the topic."""

import asyncio
from collections.abc import Sequence
from typing import cast

from generations.erasure_check import ErasureCheck, _Erasures
from ingest.log.broken import Trimmed
from ingest.log.tiered import Copy
from processors.warehouse import ClickHouseWarehouse
from schemas.log.position import LogRecord, Position
from schemas.log.records import NO_ID
from tests.support.builders import ORG, LogBuilder, hook, recorded, session_id
from tests.support.fakes.warehouse import FakeWarehouse

COUNT = 6


class TrimmedMeanwhile:
    """A topic that returns a record at a time, and has lost two more after the second."""

    def __init__(self, records: Sequence[LogRecord]) -> None:
        self._records, self.read_offsets = records, list[int]()

    async def starts(self) -> Sequence[int]:
        return [0]

    async def ends(self) -> Sequence[int]:
        return [len(self._records)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if len(self.read_offsets) == 2 and start < 4:
            raise Trimmed("topic", Position(partition, start), 4)
        self.read_offsets.append(start)
        return self._records[start : start + 1]


def test_what_is_trimmed_meanwhile_is_not_looked_at() -> None:
    """It is gone, which is what the check is about; the rest is read on."""
    log = LogBuilder(1)
    for _ in range(COUNT):
        log.add(recorded(session_id(1), hook("Stop")))
    topic = TrimmedMeanwhile(log.records)
    check = ErasureCheck(cast(ClickHouseWarehouse, FakeWarehouse()), [], 1)

    left = asyncio.run(
        check._left_in(Copy("topic", topic, topic.starts), _Erasures([{(ORG, NO_ID): COUNT}]), lambda *_: None)
    )

    assert topic.read_offsets == [0, 1, 4, 5]
    assert left.records == 4
