"""Erasures under the keys of another number of partitions.

An erasure names the sessions of its partition, or a whole org in its partition. In a log with another number of
partitions, each partition with any of these sessions needs an erasure, and for an org, each partition. What an earlier
record says there is not repeated, so an org that was erased in 64 partitions is erased once in each new one.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from msgspec import structs

from schemas.log.codec import encode, erasure_in
from schemas.log.position import LogRecord
from schemas.log.records import RecordsErased
from schemas.log.topics import erasures_id, partition_of, record_key


class Rekeyed:
    """Gives records of a log their partitions in another one, in the order in which they come."""

    def __init__(self, old: int, new: int) -> None:
        """Take both numbers of partitions."""
        self._old, self._new = old, new
        self._known: set[tuple[int, str, UUID, UUID | None]] = set()  # partition, org, erasure, session; None: all

    def moved(self, record: LogRecord) -> list[LogRecord]:
        """Return the record in its new partition; for an erasure, one for each partition concerned, or none."""
        erasure = erasure_in(record, self._old)
        if self._old != self._new:
            if erasure is not None:
                return list(self._parts(erasure, record.timestamp_ms))
            # A record without a key is garbage, and goes to the first partition.
            return [record._replace(partition=0 if record.key is None else partition_of(record.key, self._new))]
        if erasure is not None:
            self._lacking(record.partition, erasure, erasure.sessions)
        return [record]

    def added(self, erasures: Iterable[RecordsErased]) -> Iterator[LogRecord]:
        """Yield what the log lacks of these erasures."""
        for erasure in erasures:
            yield from self._parts(erasure, erasure.received_at)

    def _parts(self, erasure: RecordsErased, timestamp_ms: int) -> Iterator[LogRecord]:
        of_partition: dict[int, list[UUID]] = {}
        for session_id in erasure.sessions:
            of_partition.setdefault(partition_of(record_key(session_id), self._new), []).append(session_id)
        if not erasure.sessions:
            of_partition = {partition: [] for partition in range(self._new)}
        for partition, sessions in sorted(of_partition.items()):
            lacking = self._lacking(partition, erasure, sessions)
            if lacking is None:
                continue
            own = erasures_id(partition, self._new)
            part = structs.replace(erasure, session_id=own, sessions=lacking)
            yield LogRecord(partition, 0, record_key(own), encode(part), timestamp_ms)

    def _lacking(self, partition: int, erasure: RecordsErased, sessions: Iterable[UUID]) -> tuple[UUID, ...] | None:
        """Note what is erased; return the sessions of it that were not noted before, and None if there is nothing."""
        named: list[UUID | None] = [*sessions] or [None]
        lacking = [one for one in named if (partition, erasure.org_id, erasure.erasure, one) not in self._known]
        self._known.update((partition, erasure.org_id, erasure.erasure, one) for one in lacking)
        return tuple(session_id for session_id in lacking if session_id is not None) if lacking else None
