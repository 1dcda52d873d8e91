"""Write 3 of the pipeline: reads a few sessions up to the requesting facts, and makes the rows.

Reading again at the same positions gives the same rows, even if later facts reached the table since.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec

from processors.derivations.analysis.analysis import Analysis
from processors.derivations.digest.digest import digest
from processors.derivations.digest.state import DigestState
from processors.derivations.session_facts import DerivationRequest, SessionFact
from processors.rowbinary import encode_rows
from processors.warehouse import SessionKey, Warehouse
from schemas.ids import is_sensitive
from schemas.log.records import CompactionRequested
from schemas.store.rows import AnalysisRow, CompactionRow

FACTS_AT_ONCE, SESSIONS_AT_ONCE = 50_000, 200  # read by one query
_encode = msgspec.json.Encoder().encode


class Derived(NamedTuple):
    """The rows of both tables, as RowBinary."""

    compactions: bytes
    analyses: bytes


class _Rows(NamedTuple):
    compactions: list[CompactionRow]
    analyses: list[AnalysisRow]


def batches(requests: Sequence[DerivationRequest]) -> Iterator[list[DerivationRequest]]:
    """Group requests into what one query reads: a few sessions, each with all its requests."""
    some: list[DerivationRequest] = []
    facts, sessions = 0, 0
    for _, of_one in groupby(sorted(requests, key=_place), key=lambda one: one.session):
        asked = list(of_one)
        if some and (facts + asked[-1].facts > FACTS_AT_ONCE or sessions == SESSIONS_AT_ONCE):
            yield some
            some, facts, sessions = [], 0, 0
        some += asked
        facts, sessions = facts + asked[-1].facts, sessions + 1
    if some:
        yield some


def derive(warehouse: Warehouse, requests: Sequence[DerivationRequest]) -> Derived:
    """Read each session once, and derive at the position of every request.

    Raises:
        StoreUnavailable: the call may be repeated.
    """
    rows = _Rows([], [])
    by_session: dict[SessionKey, list[DerivationRequest]] = {}
    for one in sorted(requests, key=_place):
        by_session.setdefault(one.session, []).append(one)
    found = warehouse.session_facts(list(by_session), max(one.offset for one in requests))
    for (org_id, session_id), facts in groupby(found, key=lambda fact: fact[:2]):
        _derive_one(by_session[org_id, UUID(session_id)], facts, rows)
    return Derived(encode_rows(rows.compactions), encode_rows(rows.analyses))


def _derive_one(requests: Sequence[DerivationRequest], facts: Iterable[SessionFact], rows: _Rows) -> None:
    """Make the rows of one session; ``requests`` are in log order. The requesting fact is the last one that counts."""
    state = DigestState() if any(_is_compaction(one) for one in requests) else None
    analysis = Analysis() if not all(_is_compaction(one) for one in requests) else None
    takers = [one.take for one in (state, analysis) if one is not None]
    due = deque(requests)
    for fact in facts:
        while due and due[0].offset < fact.log_offset:
            _finish(due.popleft(), state, analysis, rows)
        if not due:
            return
        for take in takers:
            take(fact)
    while due:
        _finish(due.popleft(), state, analysis, rows)


def _finish(one: DerivationRequest, state: DigestState | None, analysis: Analysis | None, rows: _Rows) -> None:
    record, place = one.record, (one.offset + 1, one.partition)
    sensitive = is_sensitive(record.session_id)
    if isinstance(record, CompactionRequested) and state is not None:
        text = digest(state, record.instructions, record.max_characters, sensitive)
        row = CompactionRow(record.org_id, record.session_id, record.fact_id, *place, state.events, text)
        rows.compactions.append(row)
    elif analysis is not None:
        findings = _encode(analysis.findings(sensitive))
        rows.analyses.append(AnalysisRow(record.org_id, record.session_id, *place, analysis.events, findings))


def _is_compaction(one: DerivationRequest) -> bool:
    return isinstance(one.record, CompactionRequested)


def _place(one: DerivationRequest) -> tuple[str, int, int]:
    org_id, session_id = one.session
    return org_id, session_id.int, one.offset
