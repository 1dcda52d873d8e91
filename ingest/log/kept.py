"""What a log keeps once records are erased: stubs in their place. Pure, and the same for every log and every copy."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from schemas.log.codec import Undecodable, decode, encode, erasure_in
from schemas.log.position import LogRecord
from schemas.log.records import VERSION, AnyErasure, Erased, PositionsErased, PricesLoaded
from schemas.log.topics import record_key


class Cuts(Struct):
    """What is erased in a log, by the erasure that came first."""

    sessions: dict[tuple[str, UUID], UUID] = {}
    orgs: dict[tuple[str, int], UUID] = {}  # in a partition
    keys: set[bytes] = set()  # of the records of these sessions
    positions: dict[tuple[int, int], dict[str, UUID]] = {}  # by partition and offset, then by the org of the erasure

    def may_cut(self, log_record: LogRecord) -> bool:
        """Return whether the record has to be decoded to know; that takes most of the time of a search."""
        return bool(self.orgs) or log_record.key in self.keys or log_record[:2] in self.positions

    def __bool__(self) -> bool:
        return bool(self.sessions or self.orgs or self.positions)


def cuts_in(records: Iterable[LogRecord], partitions: int) -> Cuts:
    """Return what these records erase; those of a partition must come in log order."""
    cuts = Cuts()
    for log_record in records:
        record = erasure_in(log_record, partitions)
        if record is None:
            continue
        if isinstance(record, PositionsErased):
            for offset in record.offsets:
                at = cuts.positions.setdefault((log_record.partition, offset), {})
                at.setdefault(record.org_id, record.erasure)
            continue
        for session_id in record.sessions:
            cuts.sessions.setdefault((record.org_id, session_id), record.erasure)
            cuts.keys.add(record_key(session_id))
        if not record.sessions:
            cuts.orgs.setdefault((record.org_id, log_record.partition), record.erasure)
    return cuts


def kept(log_record: LogRecord, cuts: Cuts, partitions: int) -> LogRecord:
    """Return the record, or the stub that takes its place. Only the value may change.

    An undecodable record stays: nothing in it can be trusted, not even which session or org it belongs to.
    """
    if not cuts.may_cut(log_record):
        return log_record
    try:
        record = decode(log_record, partitions)
    except Undecodable:
        return log_record
    if isinstance(record, PricesLoaded | AnyErasure | Erased):
        return log_record
    erasure = cuts.sessions.get((record.org_id, record.session_id))
    erasure = erasure or cuts.orgs.get((record.org_id, log_record.partition))
    erasure = erasure or cuts.positions.get(log_record[:2], {}).get(record.org_id)
    if erasure is None:
        return log_record
    stub = Erased(v=VERSION, erasure=erasure, org_id=record.org_id, session_id=record.session_id)
    return log_record._replace(value=encode(stub))
