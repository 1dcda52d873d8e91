"""Erasures under the keys of another number of partitions.

An erasure names the sessions of its partition, or a whole org in its partition. In a log with another number of
partitions, each partition with any of these sessions needs an erasure, and for an org, each partition. What an earlier
record says there is not repeated, so an org that was erased in 64 partitions is erased once in each new one.

An erasure of positions can't move, since there they are other records: the stubs in their place move instead.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from msgspec import structs

from schemas.log.codec import encode, erasure_in
from schemas.log.position import LogRecord
from schemas.log.records import AnyErasure, PositionsErased, RecordsErased
from schemas.log.topics import erasures_id, partition_of, record_key

T = TypeVar("T", bound=Hashable)


class Rekeyed:
    """Gives records of a log their partitions in another one, in the order in which they come."""

    def __init__(self, old: int, new: int) -> None:
        """Take both numbers of partitions."""
        self._old, self._new = old, new
        self._known: set[tuple[int, str, UUID, Hashable]] = (
            set()
        )  # partition, org, erasure; session (None: all), offset

    def moved(self, record: LogRecord) -> list[LogRecord]:
        """Return the record in its new partition; for an erasure, one for each partition concerned, or none."""
        erasure = erasure_in(record, self._old)
        if self._old != self._new:
            if isinstance(erasure, PositionsErased):
                return []
            if erasure is not None:
                return list(self._parts(erasure, record.timestamp_ms))
            # A record without a key is garbage, and goes to the first partition.
            return [record._replace(partition=0 if record.key is None else partition_of(record.key, self._new))]
        if isinstance(erasure, PositionsErased):
            self._lacking(record.partition, erasure, erasure.offsets)
        elif erasure is not None:
            self._lacking(record.partition, erasure, erasure.sessions or [None])
        return [record]

    def added(self, erasures: Iterable[AnyErasure], ends: Sequence[int]) -> Iterator[LogRecord]:
        """Yield what the log lacks of these erasures; it has the records of the old one below ``ends``."""
        for erasure in erasures:
            if isinstance(erasure, RecordsErased):
                yield from self._parts(erasure, erasure.received_at)
            elif self._old == self._new:
                yield from self._positions(erasure, ends)

    def _positions(self, erasure: PositionsErased, ends: Sequence[int]) -> Iterator[LogRecord]:
        key = record_key(erasure.session_id)
        partition = partition_of(key, self._new)
        # Beyond the end, other records will follow than those in the log that the erasure is from.
        there = [offset for offset in erasure.offsets if offset < ends[partition]]
        if lacking := self._lacking(partition, erasure, there):
            part = structs.replace(erasure, offsets=tuple(lacking))
            yield LogRecord(partition, 0, key, encode(part), erasure.received_at)

    def _parts(self, erasure: RecordsErased, timestamp_ms: int) -> Iterator[LogRecord]:
        of_partition: dict[int, list[UUID]] = {}
        for session_id in erasure.sessions:
            of_partition.setdefault(partition_of(record_key(session_id), self._new), []).append(session_id)
        if not erasure.sessions:
            of_partition = {partition: [] for partition in range(self._new)}
        for partition, sessions in sorted(of_partition.items()):
            lacking = self._lacking(partition, erasure, sessions or [None])
            if not lacking:
                continue
            own = erasures_id(partition, self._new)
            some = tuple(session_id for session_id in lacking if session_id is not None)
            part = structs.replace(erasure, session_id=own, sessions=some)
            yield LogRecord(partition, 0, record_key(own), encode(part), timestamp_ms)

    def _lacking(self, partition: int, erasure: AnyErasure, named: Iterable[T]) -> list[T]:
        """Note what is erased; return what of it was not noted before."""
        of_partition = partition, erasure.org_id, erasure.erasure
        lacking = [one for one in named if (*of_partition, one) not in self._known]
        self._known.update((*of_partition, one) for one in lacking)
        return lacking
