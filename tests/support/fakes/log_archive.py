"""An in-memory log for exports and imports: any bytes in any partition, with the given times."""

from collections.abc import Sequence

from schemas.log.position import LogRecord


class Interrupted(Exception):
    """The process ends here."""


class FakeArchivedLog:
    """`schemas.log.position.LogReader` and `ingest.log.archive.restore.Target`."""

    def __init__(self, partitions: int, records: Sequence[LogRecord] = ()) -> None:
        self.partitions: list[list[LogRecord]] = [[] for _ in range(partitions)]
        self.puts_left: int | None = None  # None: no limit
        for record in records:
            self.partitions[record.partition].append(record)

    async def ends(self) -> Sequence[int]:
        return [len(records) for records in self.partitions]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        return self.partitions[partition][start:stop][:3]

    async def put(self, record: LogRecord) -> None:
        """Append at once. Raises `Interrupted` after ``puts_left`` records."""
        if self.puts_left == 0:
            raise Interrupted
        if self.puts_left is not None:
            self.puts_left -= 1
        assert record.offset == len(self.partitions[record.partition])
        self.partitions[record.partition].append(record)

    async def finish(self) -> None:
        """Do nothing: every put is durable."""
