"""What the checks for erased records found last, and from that, which erasures are certified.

An erasure is certified if the last check of every generation that exists found nothing of it. A generation that is made
later counts as soon as it exists: it may have projected records that were erased since.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from store.generations import KnownGeneration
from store.reading.question import NoParams, Question


class ErasureCheckRow(Struct, frozen=True):
    """The last check of a generation: when it began (µs since 1970) and ended, both by the store's clock.

    By partition, the check found nothing left of erasures below ``clean_below``, and some check did so below
    ``certified_once``. ``report`` is the JSON of a `generations.erasure_check.Left`.
    """

    generation: str
    began_us: int
    ended_ms: int
    clean_below: list[int]
    certified_once: list[int]
    report: str


LAST_CHECKS = Question("query_api.erasure.checks", NoParams, ErasureCheckRow)


def certified_below(known: Iterable[KnownGeneration], checks: Sequence[ErasureCheckRow], partition: int) -> int:
    """Return the offset below which every erasure of a partition is certified."""
    clean = {check.generation: check.clean_below for check in checks}
    return min((_below(clean.get(one.name, []), partition) for one in known if not one.is_dropped), default=0)


def _below(offsets: Sequence[int], partition: int) -> int:
    return offsets[partition] if partition < len(offsets) else 0
