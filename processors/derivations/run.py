"""Write 3 of the pipeline: reads a few sessions up to where something was asked of them, and makes the rows.

Reading again at the same positions gives the same rows, whatever reached the table since.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec

from processors.derivations.analysis.analysis import Analysis
from processors.derivations.digest.digest import digest
from processors.derivations.digest.state import SoFar
from processors.derivations.session_facts import StoryFact, Wanted
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


def portions(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """What is read together: of a few sessions, each with everything that is asked of it."""
    some: list[Wanted] = []
    facts, sessions = 0, 0
    for _, of_one in groupby(sorted(wanted, key=_place), key=lambda one: one.session):
        asked = list(of_one)
        if some and (facts + asked[-1].facts > FACTS_AT_ONCE or sessions == SESSIONS_AT_ONCE):
            yield some
            some, facts, sessions = [], 0, 0
        some += asked
        facts, sessions = facts + asked[-1].facts, sessions + 1
    if some:
        yield some


def derive(warehouse: Warehouse, wanted: Sequence[Wanted]) -> Derived:
    """Read each session once, and stop at every position at which something is wanted.

    Raises:
        StoreUnavailable: the same call may be made again.
    """
    rows = _Rows([], [])
    by_session: dict[SessionKey, list[Wanted]] = {}
    for one in sorted(wanted, key=_place):
        by_session.setdefault(one.session, []).append(one)
    story = warehouse.story(list(by_session), max(one.offset for one in wanted))
    for (org_id, session_id), facts in groupby(story, key=lambda fact: fact[:2]):
        _derive_one(by_session[org_id, UUID(session_id)], facts, rows)
    return Derived(encode_rows(rows.compactions), encode_rows(rows.analyses))


def _derive_one(wanted: Sequence[Wanted], facts: Iterable[StoryFact], rows: _Rows) -> None:
    """``wanted`` in log order. The fact that asks is the last one that is read for it."""
    so_far = SoFar() if any(_is_compaction(one) for one in wanted) else None
    analysis = Analysis() if not all(_is_compaction(one) for one in wanted) else None
    takers = [one.take for one in (so_far, analysis) if one is not None]
    due = deque(wanted)
    for fact in facts:
        while due and due[0].offset < fact.log_offset:
            _finish(due.popleft(), so_far, analysis, rows)
        if not due:
            return
        for take in takers:
            take(fact)
    while due:
        _finish(due.popleft(), so_far, analysis, rows)


def _finish(one: Wanted, so_far: SoFar | None, analysis: Analysis | None, rows: _Rows) -> None:
    record, place = one.record, (one.offset + 1, one.partition)
    sensitive = is_sensitive(record.session_id)
    if isinstance(record, CompactionRequested) and so_far is not None:
        text = digest(so_far, record.instructions, record.max_characters, sensitive)
        row = CompactionRow(record.org_id, record.session_id, record.fact_id, *place, so_far.events, text)
        rows.compactions.append(row)
    elif analysis is not None:
        findings = _encode(analysis.findings(sensitive))
        rows.analyses.append(AnalysisRow(record.org_id, record.session_id, *place, analysis.events, findings))


def _is_compaction(one: Wanted) -> bool:
    return isinstance(one.record, CompactionRequested)


def _place(one: Wanted) -> tuple[str, int, int]:
    org_id, session_id = one.session
    return org_id, session_id.int, one.offset
