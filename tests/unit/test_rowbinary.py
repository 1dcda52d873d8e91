"""The wire format of rows: the fast and the general encoder agree, and the store reads back the same values."""

from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.rowbinary import encode_rows, encode_task, event_parts, event_prefix, session_prefix, varint
from schemas.store.rows import FactRow, ModelTotals, SessionRow, TaskRow, ToolTotals
from tests.support.rigs.store import TestStore

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
counts = st.integers(0, (1 << 64) - 1)
times = st.integers(0, 4_000_000_000_000)
uuids = st.uuids()


fact_rows = st.builds(
    FactRow,
    org_id=texts,
    session_id=uuids,
    event_id=uuids,
    place=counts,
    is_deleted=st.integers(0, 1),
    timestamp=times,
    received_at=times,
    log_partition=st.integers(0, 65535),
    log_offset=counts,
    log_index=st.integers(0, 65535),
    **dict.fromkeys(
        ("kind", "event_type", "user_id", "role", "tool_name", "tool_use_id", "agent_id", "agent_type"), texts
    ),
    task_id=texts,
    label=texts,
    model=texts,
    seq=st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
    duration_ms=st.none() | st.integers(0, 1 << 48),
    redactions=st.dictionaries(texts, st.integers(0, (1 << 32) - 1), max_size=3),
    data=st.binary(max_size=300),
    parsed=st.binary(max_size=300),
    words=st.binary(max_size=300),
)


task_rows = st.builds(
    TaskRow,
    org_id=texts,
    session_id=uuids,
    version=counts,
    log_partition=st.integers(0, 65535),
    started_at=st.none() | times,
    ended_at=st.none() | times,
    duration_ms=st.none() | st.integers(0, 1 << 48),
    tool_calls=counts,
    **dict.fromkeys(("kind", "task_id", "name", "status", "agent_type", "parent_task_id"), texts),
)


@given(row=fact_rows)
@settings(SLOW)
def test_the_fast_way_for_events_writes_what_the_general_way_writes(row: FactRow) -> None:
    """Both encoders write the same bytes."""
    assert b"".join(event_parts(event_prefix(row), row)) == encode_rows([row])


@given(row=task_rows)
@settings(SLOW)
def test_the_fast_way_for_tasks_writes_what_the_general_way_writes(row: TaskRow) -> None:
    """Both encoders write the same bytes."""
    assert encode_task(session_prefix(row.org_id, row.session_id), row) == encode_rows([row])


@given(rows=st.lists(fact_rows, min_size=1, max_size=5, unique_by=(lambda row: row.event_id, lambda row: row.place)))
@settings(SLOW)
def test_the_store_reads_back_every_byte_of_an_event(shared_store: TestStore, rows: list[FactRow]) -> None:
    """Newlines, quotes, NUL, any UTF-8 and any bytes of data arrive unchanged."""
    shared_store.empty()

    shared_store.warehouse().insert("facts", encode_rows(rows))

    found = shared_store.client.query(
        "SELECT event_id, org_id, label, hex(data), seq, duration_ms, redactions, place,"
        f" toUnixTimestamp64Milli(timestamp) FROM {shared_store.database}.facts"
    ).result_rows
    names = ("event_id", "org_id", "label", "data", "seq", "duration_ms", "redactions", "place", "timestamp")
    meant = {row.event_id: tuple(getattr(row, name) for name in names) for row in rows}
    read = {row[0]: (*row[:3], bytes.fromhex(row[3]), *row[4:]) for row in found}
    assert read == meant


def test_a_session_row_survives_the_way_through_the_store(shared_store: TestStore) -> None:
    """Arrays of tuples, maps, NULLs and booleans arrive in their columns."""
    shared_store.empty()
    row = _session_row()

    shared_store.warehouse().insert("sessions", encode_rows([row]))

    found = shared_store.rows("SELECT * FROM {db}.sessions")[0]
    assert found["models"] == [dict(zip(ModelTotals._fields, row.models[0], strict=True))]
    assert found["tools"] == [dict(zip(ToolTotals._fields, row.tools[0], strict=True))]
    assert found["redactions"] == row.redactions
    assert found["first_prompts"] == row.first_prompts
    assert found["search_text"] == row.search_text
    same = ("org_id", "session_id", "version", "created", "run_id", "parent_id", "title", "cost_nano", "sensitive")
    assert {name: found[name] for name in same} == {name: getattr(row, name) for name in same}


def test_a_task_row_survives_the_way_through_the_store(shared_store: TestStore) -> None:
    """A half without its partner has NULL times."""
    shared_store.empty()
    row = TaskRow("o", UUID(int=1), "tool", "t", 3, 1, "Bash", "running", 5, None, None, "", "a", 2)

    shared_store.warehouse().insert("tasks", encode_rows([row]))

    found = shared_store.rows("SELECT * EXCEPT (started_at, ended_at) FROM {db}.tasks")[0]
    assert found == {n: getattr(row, n) for n in TaskRow.__struct_fields__ if n not in ("started_at", "ended_at")}


def test_numbers_beyond_their_columns_wrap_around() -> None:
    """Also inside lists; a row whose numbers fit is not affected."""
    most = ModelTotals("m", (1 << 64) + 1, 2, 3, 4, 5, -(1 << 63) - 6, "priced")
    row = msgspec.structs.replace(_session_row(), events=(1 << 64) + 7, cost_nano=(1 << 63) + 1, models=[most])
    least = ModelTotals("m", 1, 2, 3, 4, 5, (1 << 63) - 6, "priced")
    fits = msgspec.structs.replace(_session_row(), events=7, cost_nano=1 - (1 << 63), models=[least])

    assert encode_rows([row]) == encode_rows([fits])


@given(number=st.integers(0, 1 << 40))
def test_varint_is_leb128(number: int) -> None:
    """A byte holds seven bits, the lowest first; its top bit says that another byte follows."""
    encoded = varint(number)

    assert sum((byte & 127) << (7 * i) for i, byte in enumerate(encoded)) == number
    assert all(byte & 128 for byte in encoded[:-1])
    assert not encoded[-1] & 128


def _session_row() -> SessionRow:
    values: dict[str, Any] = dict.fromkeys(SessionRow.__struct_fields__, 7)
    for name in ("org_id", "trigger", "user_id"):
        values[name] = "it's"
    for name in ("relation", "external_id", "repo", "remote_url", "component", "branch", "agent_name", "model"):
        values[name] = None
    for name in ("project_id", "repository_id", "summary", "outcome", "parent_id"):
        values[name] = None
    values |= {"session_id": UUID(int=1), "thread_id": UUID(int=2), "run_id": UUID(int=3), "title": "a\nb\t'"}
    values |= {"created": True, "sensitive": False, "cost_nano": 123456789, "redactions": {"jwt": 2}}
    values |= {"models": [ModelTotals("m", 1, 2, 3, 4, 5, 6, "priced")], "tools": [ToolTotals("Bash", 1, 2, 3)]}
    values |= {"client": None, "client_version": None, "is_reported": True, "is_work_reported": False}
    values |= {"is_incomplete": True, "measured": [], "agents": []}
    return SessionRow(**{**values, "first_prompts": ["p1", "p\n2"], "search_text": " p1  p 2 "})
