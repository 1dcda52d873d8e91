"""Differences by table, key and column, from the lines in which the two sides of a recount differ. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Struct

from audit.recount_questions import AmountsLine, Numbers, OrphanRow, RollupLine, SessionLine, StateLine
from schemas.http.fields import doc
from schemas.times import instant

MEASURES = (
    *("sessions", "ended", "success", "failure", "timeout", "cancelled", "duration_ms"),
    *("events", "prompts", "tool_calls", "tool_errors"),
)
USAGE = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens"),
    "cost_nano",
)
WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")
SESSION_COLUMNS = (
    *("version", "events", "prompts", "tool_calls", "tool_errors", "tasks", "subagents", "compactions"),
    *("unknown_events", "api_requests", "api_errors"),
    *("measured_input_tokens", "measured_output_tokens", "measured_cache_read_tokens"),
    *("measured_cache_creation_tokens", "measured_cache_creation_1h_tokens", "measured_cost_nano", *WORK),
    *("last_event_at", "rows", "facts"),
)
STATE_COLUMNS = ("facts", "ids_high", "ids_low")
AMOUNTS: Mapping[str, tuple[str, ...]] = {
    "total": ("prompts", "api_requests", "api_errors", *WORK, "tool_calls", "tool_errors", *USAGE),
    "model": USAGE,
    "tool": ("calls", "errors", "duration_ms"),
}
LEVELS: Mapping[str, tuple[str, ...]] = {
    "total": ("version", *MEASURES, *WORK, *USAGE),
    "user": ("users",),
    "group": (*MEASURES, *WORK, "last_active_at"),
    "model": ("sessions", *USAGE),
}
_GROUP = ("project_id", "repo", "agent_name", "user_id")
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "total": (),
    "user": ("user_id",),
    "group": _GROUP,
    "model": (*_GROUP, "model"),
}


class Difference(Struct, frozen=True):
    """One column of a row, or of a group in a bucket, that differs from its recount."""

    table: Annotated[str, doc("Table name.", "rollup_quarters")]
    key: Annotated[dict[str, str | None], doc("Key of the row.", {"org_id": "acme"})]
    column: Annotated[str, doc("Column name.", "cost_nano")]
    stored: Annotated[int | str | None, doc("Value in the table.", 1)]
    recounted: Annotated[int | str | None, doc("Value from the recount.", 2)]


def session_differences(line: SessionLine) -> Iterator[Difference]:
    key: dict[str, str | None] = {"org_id": line.org_id, "session_id": str(line.session_id)}
    return _differences("sessions", key, SESSION_COLUMNS, line.stored, line.recounted)


def amounts_differences(line: AmountsLine) -> Iterator[Difference]:
    """Yield which sums over all buckets differ from the session's totals."""
    key: dict[str, str | None] = {"org_id": line.org_id, "session_id": str(line.session_id)}
    key |= {} if line.level == "total" else {line.level: line.name}
    nothing = (0,) * len(AMOUNTS[line.level])
    return _differences("amounts", key, AMOUNTS[line.level], line.stored or nothing, line.recounted or nothing)


def state_differences(line: StateLine) -> Iterator[Difference]:
    """Yield how a stored state differs from its facts: in their number or in the XOR of their ids."""
    key: dict[str, str | None] = {"org_id": line.org_id, "session_id": str(line.session_id)}
    yield from _differences("session_states", key, STATE_COLUMNS, tuple(line.stored), tuple(line.recounted))


def orphan_differences(row: OrphanRow) -> Iterator[Difference]:
    yield Difference("sessions", {"org_id": row.org_id, "session_id": str(row.session_id)}, "rows", 0, 1)


def rollup_differences(table: str, line: RollupLine) -> Iterator[Difference]:
    dimensions = {name: getattr(line, name) for name in DIMENSIONS[line.level]}
    key = {"org_id": line.org_id, "bucket": instant(line.bucket * 1000), **dimensions}
    return _differences(table, key, LEVELS[line.level], line.stored, line.recounted)


def _differences(
    table: str, key: dict[str, str | None], columns: tuple[str, ...], stored: Numbers, recounted: Numbers
) -> Iterator[Difference]:
    if not (stored and recounted):
        yield Difference(table, key, "rows", int(bool(stored)), int(bool(recounted)))
        return
    for column, one, other in zip(columns, stored, recounted, strict=True):
        if one != other:
            yield Difference(table, key, column, _value(column, one), _value(column, other))


def _value(column: str, number: int) -> int | str | None:
    """Return a number unchanged, a time as text, or ``null`` if there is none."""
    if not column.endswith("_at"):
        return number
    return instant(number) if number >= 0 else None
