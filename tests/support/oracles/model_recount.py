"""What the tables of the model check must equal: a slow recount of the log, and the sums of their sessions."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from processors.fold.fold import begin, fold
from processors.projections.states import NO_LAYOUT, state_row
from processors.warehouse import day_of
from schemas.log.position import LogRecord
from schemas.store.rows import DAY_S, AmountsRow, ModelAmounts, SessionRow
from tests.support.fakes.warehouse import FakeWarehouse, quarter_of
from tests.support.oracles.sessions import first_copies, recount, recount_tasks


class Erasure(NamedTuple):
    """Of a partition and an org these sessions, or all if there are none; with ``offsets``, only what is there."""

    partition: int
    org: str
    sessions: Collection[str] = ()
    offsets: Collection[int] = ()


ERASURES = ("records_erased", "positions_erased")


class Violation(AssertionError):
    """A broken promise, named by ``promise``."""

    def __init__(self, promise: str, what: object) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise


def is_readable(record: LogRecord) -> bool:
    """Return whether the record isn't one of the generated invalid ones."""
    return bool(record.value) and (record.value or b"")[:1] == b"{"


def erasures_in(records: Iterable[LogRecord]) -> list[Erasure]:
    """Return what these records erase."""
    bodies = [(record.partition, json.loads(record.value or b"")) for record in records if is_readable(record)]
    erasures = [(partition, body) for partition, body in bodies if body["kind"] in ERASURES]
    return [
        Erasure(partition, body["org_id"], body.get("sessions", ()), body.get("offsets", ()))
        for partition, body in erasures
    ]


def covers(erasures: Iterable[Erasure], partition: int, org: str, session: str) -> bool:
    """Return whether one of these erases a session."""
    found = [one for one in erasures if (partition, org) == one[:2] and not one.offsets]
    return any(not one.sessions or session in one.sessions for one in found)


def is_erased(record: LogRecord, erasures: Sequence[Erasure]) -> bool:
    """Return whether a readable record is an erasure, or one of these erases it."""
    body = json.loads(record.value or b"")
    of_org = [one for one in erasures if (record.partition, body["org_id"]) == one[:2]]
    is_there = any(record.offset in one.offsets for one in of_org)
    return body["kind"] in ERASURES or is_there or covers(of_org, record.partition, body["org_id"], body["session_id"])


def check_oracle(store: FakeWarehouse, records: Sequence[LogRecord]) -> None:
    """Check facts, sessions and tasks against a slow recount of the log."""
    erasures = erasures_in(records)
    kept = [record for record in records if is_readable(record) and not is_erased(record, erasures)]
    values = [record.value or b"" for record in kept]
    facts = {
        (row.org_id, str(row.session_id), str(row.event_id)): (row.event_type, row.timestamp, json.loads(row.data))
        for row in store.rows("facts")
        if row.kind == "events_recorded"
    }
    _same("facts are what the log says", facts, first_copies(values))
    _check_sessions(store, recount(values))
    tasks = {(row.org_id, str(row.session_id), row.kind, row.task_id): row for row in store.rows("tasks")}
    wanted = recount_tasks(values)
    found = {key: {name: getattr(row, name) for name in wanted.get(key, {})} for key, row in tasks.items()}
    _same("tasks are what the log says", found, wanted)


def check_rollups(store: FakeWarehouse) -> None:
    """Check that every bucket is the sum of its parts, and that there are no others."""
    sessions, amounts = (list(store.tables[table].values()) for table in ("sessions", "amounts"))  # also empty ones
    quarters = {(row.org_id, quarter_of(row)) for row in sessions} | {(row.org_id, row.bucket) for row in amounts}
    wanted = store.read_quarters(sorted(quarters)) + store.read_days(sorted(set(map(day_of, quarters))))
    found = sorted(store.rows("rollups"), key=lambda row: (row.seconds, row.org_id, row.bucket))
    _same("rollups are the sums of their parts", found, wanted)
    total = sum(row.version for row in (*sessions, *amounts))
    _same("rollups are the sums of their parts", sum(row.version for row in found if row.seconds == DAY_S), total)


def check_amounts(store: FakeWarehouse) -> None:
    """Check that over all buckets, each amount of a session adds up to its total."""
    sums: dict[tuple[str, Any], Counter[Any]] = defaultdict(Counter)
    for row in store.rows("amounts"):
        sums[row.org_id, row.session_id].update(_amounts(row))
    totals = {(row.org_id, row.session_id): Counter(_amounts(row)) for row in store.rows("sessions")}
    found, wanted = ({key: _nonzero(one) for key, one in some.items() if _nonzero(one)} for some in (sums, totals))
    _same("amounts add up to their session's totals", found, wanted)


def _amounts(row: SessionRow | AmountsRow) -> dict[Any, int]:
    """Return the amounts by name; those of a model or tool by its name, too."""
    names = ("prompts", "api_requests", "api_errors", "lines_added", "lines_removed", "commits", "pull_requests")
    found: dict[Any, int] = {name: getattr(row, name) for name in (*names, "active_ms")}
    for model in row.models:
        found |= {(model.model, name): getattr(model, name) for name in ModelAmounts._fields[1:]}
    for tool in row.tools:
        found |= {("tool", *tool[:1], number): count for number, count in enumerate(tool[1:])}
    return found


def _nonzero(sums: Mapping[Any, int]) -> dict[Any, int]:
    return {name: number for name, number in sums.items() if number}


def check_states(store: FakeWarehouse) -> None:
    """Check that each saved state equals the fold of its facts."""
    for row in store.rows("session_states"):
        if row.layout == NO_LAYOUT:
            continue
        facts = store.facts([(row.org_id, row.session_id)], row.version)
        state = begin(facts[0])
        for fact in facts:
            fold(state, fact)
        state.take_changed()
        _same("a kept state is what its facts fold to", row, state_row(state))


def _check_sessions(store: FakeWarehouse, expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    rows = store.rows("sessions")
    _same("one row a session", sorted((row.org_id, str(row.session_id)) for row in rows), sorted(expected))
    for row in rows:
        wanted = dict(expected[row.org_id, str(row.session_id)])
        del wanted["reported_cost"]  # prices have separate tests
        _same("sessions are what the log says", {name: getattr(row, name) for name in wanted}, wanted)


def _same(promise: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Violation(promise, f"{found} is not {wanted}")


def difference(clean: FakeWarehouse, store: FakeWarehouse, table: str) -> list[tuple[Any, Any]]:
    """Return the rows of a table that differ, as pairs of (expected, found)."""
    must, is_ = clean.tables[table], store.tables[table]
    return [(must.get(key), is_.get(key)) for key in sorted(must.keys() | is_.keys()) if must.get(key) != is_.get(key)]
