"""The order of an import, and the position of each record: always the same for the same export.

A log with as many partitions as the export gets each record at its old position. In any other log, a record goes to
the partition of its key, after the earlier records of the same session.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence

from schemas.log.position import LogRecord
from schemas.log.topics import partition_of


def in_target_order(sources: Sequence[Iterable[LogRecord]], partitions: int) -> Iterator[LogRecord]:
    """Yield the records of all source partitions, roughly in the order of the log's time, at their new positions."""
    ends = [0] * partitions
    for record in merged(sources):
        target = record.partition if partitions == len(sources) else target_of(record.key, partitions)
        yield record._replace(partition=target, offset=ends[target])
        ends[target] += 1


def target_of(key: bytes | None, partitions: int) -> int:
    """Return where a key belongs. A record without one is garbage, and goes to the first partition."""
    return 0 if key is None else partition_of(key, partitions)


def merged(sources: Sequence[Iterable[LogRecord]]) -> Iterator[LogRecord]:
    """Merge partitions by time; each stays in its own order, even where its times go back."""
    return iter(heapq.merge(*sources, key=lambda record: record.timestamp_ms))
