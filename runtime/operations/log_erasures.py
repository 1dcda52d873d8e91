"""Looks for records in a log that a list of erasures erases: one that was imported without the list has them still."""

from pathlib import Path
from typing import NamedTuple

from ingest.log.archive.erasures import read_erasures
from ingest.log.archive.rekeyed import Rekeyed
from ingest.log.kept import cuts_in
from ingest.log.tiered import copies_of
from ingest.log.unerased import OnProgress, unerased
from runtime.operations.log_export import open_log
from runtime.settings.settings import Settings
from schemas.log.position import Position


class Listed(NamedTuple):
    """How many records of a copy of the log should be stubs by the list; ``first`` is the position of one."""

    place: str
    records: int
    first: str


async def look_for_listed(settings: Settings, erasures: Path, report: OnProgress) -> list[Listed]:
    """Return what each copy of the log still has. Raises `Refused` for a bad list, and the same as `open_log`."""
    listed = read_erasures(erasures)
    async with open_log(settings) as log:
        ends = await log.reader.ends()
        lacking = Rekeyed(log.partitions, log.partitions).added(listed, ends)
        cuts = cuts_in((record._replace(offset=ends[record.partition]) for record in lacking), log.partitions)
        found = []
        for copy in copies_of(log.reader, log.partitions):
            ranges = list(zip(await copy.starts(), await copy.log.ends(), strict=True))
            places = [
                str(Position(stub.partition, stub.offset))
                async for stub in unerased(copy, ranges, [cuts] * log.partitions, report)
            ]
            found.append(Listed(copy.name, len(places), places[0] if places else ""))
    return found
