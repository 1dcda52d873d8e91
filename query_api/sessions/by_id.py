"""Whole sessions: from rows of `sessions` to the session object of the API."""

from collections.abc import Sequence
from uuid import UUID

from query_api.question import SESSIONS_BY_ID, Found, SessionRow, SessionsById
from query_api.read_context import Reading
from schemas.http.responses import Counts, ModelMetrics, ModelUse, Session, ToolUse, instant
from schemas.log.position import Position
from schemas.money import usd_of
from schemas.store.rows import ModelTotals, ToolTotals

ASKED_AT_ONCE = 1_000


async def whole_sessions(reading: Reading, org_id: str, found: Sequence[Found]) -> list[Session]:
    """The sessions that were found, in this order; those that the org does not have are left out."""
    return [session_of(row) for row in await rows_of(reading, org_id, found)]


async def rows_of(
    reading: Reading, org_id: str, found: Sequence[Found], with_prompts: bool = False
) -> list[SessionRow]:
    """The same as rows."""
    by_id: dict[UUID, SessionRow] = {}
    for first in range(0, len(found), ASKED_AT_ONCE):
        some = found[first : first + ASKED_AT_ONCE]
        ids, hours = [key.session_id for key in some], sorted({key.started_hour_s for key in some})
        rows = await reading.ask(SESSIONS_BY_ID, SessionsById(org_id, ids, hours, with_prompts))
        by_id |= {row.session_id: row for row in rows}
    return [by_id[key.session_id] for key in found if key.session_id in by_id]


async def session_by_id(reading: Reading, org_id: str, session_id: UUID) -> Session | None:
    """The session with this id, if the org has it."""
    rows = await reading.ask(SESSIONS_BY_ID, SessionsById(org_id, [session_id], [], with_prompts=False))
    return session_of(rows[0]) if rows else None


def session_of(row: SessionRow) -> Session:
    """The whole session object."""
    return Session(
        id=row.session_id,
        org_id=row.org_id,
        run_id=row.run_id,
        thread_id=row.thread_id,
        parent_id=row.parent_id,
        relation=row.relation,
        external_id=row.external_id,
        status="active" if row.ended_ms is None else "ended",
        outcome=row.outcome,
        trigger=row.trigger,
        sensitive=row.sensitive,
        project_id=row.project_id,
        repository_id=row.repository_id,
        repo=row.repo,
        remote_url=row.remote_url,
        component=row.component,
        branch=row.branch,
        agent_name=row.agent_name,
        model=row.model,
        user_id=row.user_id,
        title=row.title,
        summary=row.summary,
        started_at=instant(row.started_ms),
        last_event_at=_instant(row.last_event_ms),
        ended_at=_instant(row.ended_ms),
        duration_seconds=None if row.duration_ms is None else row.duration_ms / 1000,
        model_metrics=_metrics(row),
        models=[_model(model) for model in row.models],
        counts=_counts(row),
        tools=[_tool(tool) for tool in row.tools],
        redactions=dict(row.redactions),
        position=str(Position(row.log_partition, row.version - 1)),
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else instant(ms)


def _metrics(row: SessionRow) -> ModelMetrics:
    return ModelMetrics(
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.cache_creation_tokens,
        row.cache_creation_1h_tokens,
        usd_of(row.cost_nano),
    )


def _model(model: ModelTotals) -> ModelUse:
    return ModelUse(
        model.model,
        model.input_tokens,
        model.output_tokens,
        model.cache_read_tokens,
        model.cache_creation_tokens,
        model.cache_creation_1h_tokens,
        usd_of(model.cost_nano),
        model.cost_source,
    )


def _counts(row: SessionRow) -> Counts:
    return Counts(
        row.events,
        row.prompts,
        row.tool_calls,
        row.tool_errors,
        row.tasks,
        row.subagents,
        row.compactions,
        row.unknown_events,
    )


def _tool(tool: ToolTotals) -> ToolUse:
    return ToolUse(tool.tool_name, tool.calls, tool.errors, tool.duration_ms)
