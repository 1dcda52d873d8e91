"""What happened when: each fact moves a session's totals, and the difference belongs to the fact's own time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from prices.price_list import PriceList
from processors.fold.fold import begin, fold
from processors.fold.state import SessionState, freeze, thaw
from processors.projections import records
from processors.projections.amounts import amounts_rows
from processors.projections.sessions import session_row
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.log.records import EventsRecorded, PricesLoaded, SessionRecord
from schemas.store.rows import AmountsRow, FactRow, ModelTotals, SessionRow
from tests.support.strategies import PARTITIONS, crowded_logs, logs

QUARTER_S = 900
WHOLE = PriceList([Price("other", 0, *[3_000_000_000] * 5), Price("claude", 0, *[15_000_000_000] * 5)])
ODD = PriceList([Price("other", 0, *[18_750_001] * 5), Price("claude", 0, *[1] * 5)])
COUNTS = (
    *("prompts", "api_requests", "api_errors"),
    *("lines_added", "lines_removed", "commits", "pull_requests", "active_ms"),
)


def totals(row: SessionRow | None) -> Counter[tuple[str, ...]]:
    """Return the amounts of a session, by name."""
    found: Counter[tuple[str, ...]] = Counter()
    if row is not None:
        found.update({(name,): getattr(row, name) for name in COUNTS})
        for model in row.models:
            found.update({("model", model.model, name): getattr(model, name) for name in ModelTotals._fields[1:-1]})
        for tool in row.tools:
            found.update({("tool", tool.tool_name, name): getattr(tool, name) for name in tool._fields[1:]})
    return found


def own_time(row: FactRow, record: SessionRecord) -> int:
    """Return the time of a fact in seconds."""
    if isinstance(record, EventsRecorded):
        return row.timestamp // 1000
    report = getattr(record, "report", None)
    told = (report and report.reported_at), getattr(record, "ended_at", None), record.received_at
    return next(at for at in told if at is not None) // 1000


def facts_of(log: list[LogRecord]) -> Iterator[tuple[FactRow, SessionRecord]]:
    """Yield the facts of a log with their records."""
    for log_record in log:
        if log_record.value is not None and log_record.value.startswith(b"{"):
            record = decode(log_record, PARTITIONS)
            if not isinstance(record, PricesLoaded):
                for row in records.facts_of(log_record, record).rows:
                    yield row, record


def fold_all(log: list[LogRecord]) -> dict[Any, SessionState]:
    """Return the states after a log, by session."""
    states: dict[Any, SessionState] = {}
    for row, _ in facts_of(log):
        key = row.org_id, row.session_id
        fold(states.setdefault(key, states.get(key) or begin(row)), row)
    return states


def expected(log: list[LogRecord], prices: PriceList) -> dict[Any, Counter[Any]]:
    """Return what happened by session and quarter of an hour: differences of totals, under the last names."""
    last = fold_all(log)
    states: dict[Any, SessionState] = {}
    found: dict[Any, Counter[Any]] = {key: Counter() for key in last}

    def named(key: Any) -> Counter[tuple[str, ...]]:
        state = structs.replace(states[key], created_model=last[key].model, started_model=None)
        return totals(session_row(state, prices))

    for row, record in facts_of(log):
        key = row.org_id, row.session_id
        before = named(key) if key in states else Counter()
        if fold(states.setdefault(key, states.get(key) or begin(row)), row):
            after = named(key)
            after.subtract(before)
            for name, number in after.items():
                found[key][own_time(row, record) // QUARTER_S * QUARTER_S, *name] += number
    return found


def shown(state: SessionState, prices: PriceList) -> Counter[Any]:
    """Return what the rows of a session say, by quarter of an hour."""
    found: Counter[Any] = Counter()
    for row in amounts_rows(state, prices, state.repo, [*state.amounts]):
        found.update({(row.bucket, name): getattr(row, name) for name in COUNTS})
        for model in row.models:
            found.update({(row.bucket, "model", model.model, name): getattr(model, name) for name in model._fields[1:]})
        for tool in row.tools:
            found.update({(row.bucket, "tool", tool.tool_name, name): getattr(tool, name) for name in tool._fields[1:]})
    return found


def nonzero(found: Counter[Any]) -> dict[Any, int]:
    return {name: number for name, number in found.items() if number}


@given(log=logs() | crowded_logs())
@settings(deadline=None)
def test_a_difference_of_totals_belongs_to_the_time_of_its_fact(log: list[LogRecord]) -> None:
    """Whatever is late, repeated, corrected or reordered, and whichever of report and requests counts."""
    found = expected(log, WHOLE)

    assert {key: nonzero(shown(state, WHOLE)) for key, state in fold_all(log).items()} == {
        key: nonzero(one) for key, one in found.items()
    }


@given(log=logs() | crowded_logs())
@settings(deadline=None)
def test_buckets_add_up_to_the_totals_to_the_nano_dollar(log: list[LogRecord]) -> None:
    """Also at prices of which a token costs a fraction of a nano-dollar."""
    for state in fold_all(log).values():
        sums: Counter[Any] = Counter()
        for (_, *name), number in shown(state, ODD).items():
            sums[tuple(name)] += number
        assert nonzero(sums) == nonzero(totals(session_row(state, ODD)))


@given(log=logs() | crowded_logs(), chance=st.randoms())
@settings(deadline=None)
def test_rows_that_are_made_as_buckets_change_are_those_of_the_last_state(log: list[LogRecord], chance: Random) -> None:
    """After whichever records they are made, and whichever states were frozen, or folded again, in between."""
    states: dict[Any, SessionState] = {}
    made: dict[Any, AmountsRow] = {}
    for _, of_record in groupby(facts_of(log), lambda pair: (pair[0].log_partition, pair[0].log_offset)):
        for row, _ in of_record:
            key = row.org_id, row.session_id
            fold(states.setdefault(key, states.get(key) or begin(row)), row)
        if chance.random() < 0.5:
            continue
        for state in states.values():
            made |= {
                ((state.org_id, state.session_id), one.bucket): one for one in rows(state, state.take_changed()[1])
            }
        if chance.random() < 0.3:
            states = {key: thaw(freeze(state)) for key, state in states.items()}
    for state in states.values():
        made |= {((state.org_id, state.session_id), one.bucket): one for one in rows(state, state.take_changed()[1])}

    whole = fold_all(log)
    assert made == {(key, one.bucket): one for key, state in whole.items() for one in rows(state, [*state.amounts])}


def rows(state: SessionState, moved: Sequence[int]) -> list[AmountsRow]:
    return list(amounts_rows(state, ODD, state.repo or state.described.get("repo"), moved))
