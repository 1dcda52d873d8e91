"""Write 3 of the pipeline: reads a few sessions up to the requesting facts, and makes the rows.

Reading again at the same positions gives the same rows, even if later facts have reached the table since.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from uuid import UUID

import msgspec

from processors.derivations.analysis.analysis import Analysis
from processors.derivations.digest.digest import digest
from processors.derivations.digest.state import DigestState
from processors.derivations.session_facts import DerivationRequest, SessionFact
from processors.rowbinary import encode_rows
from processors.warehouse import SessionKey, Warehouse
from schemas.ids import is_sensitive
from schemas.log.records import CompactionRequested, SessionEnded
from schemas.store.rows import AnalysisRow, CompactionRow

FACTS_AT_ONCE, SESSIONS_AT_ONCE = 50_000, 200  # read by one query
_encode = msgspec.json.Encoder().encode


def batches(requests: Sequence[DerivationRequest]) -> Iterator[list[DerivationRequest]]:
    """Group requests into what one query reads: a few sessions, each with all its requests."""
    some: list[DerivationRequest] = []
    facts, sessions = 0, 0
    for asked in _by_session(requests).values():
        if some and (facts + asked[-1].facts > FACTS_AT_ONCE or sessions == SESSIONS_AT_ONCE):
            yield some
            some, facts, sessions = [], 0, 0
        some += asked
        facts, sessions = facts + asked[-1].facts, sessions + 1
    if some:
        yield some


def derive_rows(warehouse: Warehouse, requests: Sequence[DerivationRequest]) -> tuple[bytes, bytes]:
    """Return the rows of `compactions` and of `analyses`, as RowBinary, as of the position of each request.

    Each session is read once. May be repeated after `StoreUnavailable`.
    """
    by_session = _by_session(requests)
    rows: list[CompactionRow | AnalysisRow] = []
    found = warehouse.session_facts(list(by_session), max(one.offset for one in requests))
    for (org_id, session_id), facts in groupby(found, key=lambda fact: fact[:2]):
        rows += _rows(by_session[org_id, UUID(session_id)], facts)
    compactions = encode_rows(row for row in rows if isinstance(row, CompactionRow))
    return compactions, encode_rows(row for row in rows if isinstance(row, AnalysisRow))


def _rows(requests: Sequence[DerivationRequest], facts: Iterable[SessionFact]) -> Iterator[CompactionRow | AnalysisRow]:
    """Yield the rows of one session; ``requests`` are in log order. The requesting fact is the last one that counts."""
    state, analysis = DigestState(), Analysis()
    kinds = {type(one.record) for one in requests}
    readers = ((CompactionRequested, state.take), (SessionEnded, analysis.take))
    takers = [take for kind, take in readers if kind in kinds]
    due = deque(requests)
    for fact in facts:
        while due and due[0].offset < fact.log_offset:
            yield _row(due.popleft(), state, analysis)
        if not due:
            return
        for take in takers:
            take(fact)
    for one in due:
        yield _row(one, state, analysis)


def _row(one: DerivationRequest, state: DigestState, analysis: Analysis) -> CompactionRow | AnalysisRow:
    record, place = one.record, (max(one.offset + 1, one.floor), one.partition)
    sensitive = is_sensitive(record.session_id)
    if isinstance(record, CompactionRequested):
        text = digest(state, record.instructions, record.max_characters, sensitive)
        return CompactionRow(record.org_id, record.session_id, record.fact_id, *place, state.events, text)
    findings = _encode(analysis.findings(sensitive))
    return AnalysisRow(record.org_id, record.session_id, *place, analysis.events, findings)


def _by_session(requests: Iterable[DerivationRequest]) -> dict[SessionKey, list[DerivationRequest]]:
    """Return the requests of each session, in log order."""
    found: dict[SessionKey, list[DerivationRequest]] = {}
    for one in sorted(requests, key=lambda one: one.offset):
        found.setdefault(one.session, []).append(one)
    return found
