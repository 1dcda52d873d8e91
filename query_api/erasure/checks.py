"""What the checks for erased records found last, and from that, which erasures are certified.

An erasure is certified if the last check of every generation that exists found nothing of it. A generation that is made
later counts as soon as it exists: it may have projected records that were erased since.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from store.generations import KnownGeneration
from store.reading.question import NoParams, Question


class LeftInLog(Struct, frozen=True):
    """How many of the records of a copy of the log are erased, but no stubs yet; ``first`` is the position of one.

    ``read`` has the offsets that were read of each partition, as (start, end).
    """

    place: str
    records: int = 0
    first: str = ""
    read: tuple[tuple[int, int], ...] = ()


class Left(Struct, frozen=True):
    """What is left. ``tables`` says how many erased sessions have rows; ``parts`` may hold rows that were deleted.

    ``erasures`` has by partition the offset of the first erasure of which there are rows or records, and ``with_rows``
    of the first one of which there are rows.
    """

    tables: dict[str, int]
    parts: list[str]
    logs: list[LeftInLog]
    erasures: dict[int, int] = {}
    with_rows: dict[int, int] = {}

    @property
    def is_nothing(self) -> bool:
        return not (self.tables or self.parts or any(log.records for log in self.logs))

    def clean_below(self, swept: Mapping[int, int], partitions: int) -> list[int]:
        """Return by partition the offset below which nothing is left of any erasure.

        ``swept`` are the marks of the last sweep that ended before the check began. A part may hold deleted rows of any
        session, so as long as there is one, nothing is certified.
        """
        if self.parts:
            return [0] * partitions
        swept_below = [swept.get(partition, 0) for partition in range(partitions)]
        return [min(below, self.erasures.get(partition, below)) for partition, below in enumerate(swept_below)]


class ErasureCheckRow(Struct, frozen=True):
    """The last check of a generation: when it began (µs since 1970) and ended, both by the store's clock.

    By partition, the check found nothing left of erasures below ``clean_below``, and some check did so below
    ``certified_once``. ``report`` is JSON.
    """

    generation: str
    began_us: int
    ended_ms: int
    clean_below: list[int]
    certified_once: list[int]
    report: str

    @property
    def left(self) -> Left:
        """What the check read and found."""
        return msgspec.json.decode(self.report, type=Left)


LAST_CHECKS = Question("query_api.erasure.checks", NoParams, ErasureCheckRow)


def certified_below(known: Iterable[KnownGeneration], checks: Sequence[ErasureCheckRow], partition: int) -> int:
    """Return the offset below which every erasure of a partition is certified."""
    clean = {check.generation: check.clean_below for check in checks}
    return min((_below(clean.get(one.name, []), partition) for one in known if not one.is_dropped), default=0)


def _below(offsets: Sequence[int], partition: int) -> int:
    return offsets[partition] if partition < len(offsets) else 0
