"""Whole sessions by their keys or ids: from rows of `sessions` to the API's session object."""

from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

from msgspec import UNSET, Struct

from query_api.read_context import ReadContext
from schemas.http.responses import (
    AgentUsage,
    Counts,
    ModelMetrics,
    ModelUse,
    Session,
    SessionWork,
    ToolUse,
    Usage,
    UsageOf,
)
from schemas.log.position import Position
from schemas.money import usd_of
from schemas.store.rows import AgentTotals, ModelTotals, SessionColumns
from schemas.times import instant
from store.reading.question import Question

SESSIONS_PER_QUESTION = 1_000


class SessionOfOrg(Struct, frozen=True):
    """One session, if it belongs to this org."""

    org_id: str
    session_id: UUID


class OrgSessionKey(Struct, frozen=True):
    """The key of a session within its org. The hour (s since 1970) makes the lookup fast."""

    session_id: UUID
    started_hour_s: int


class SessionsById(Struct, frozen=True):
    """These sessions, if they belong to this org; ``started_hours`` has the hours of all, or is empty if unknown."""

    org_id: str
    session_ids: list[UUID]
    started_hours: list[int]
    with_prompts: bool


class SessionDetailRow(SessionColumns):
    """The whole state of a session, with times in milliseconds since 1970."""

    started_ms: int
    last_event_ms: int | None
    ended_ms: int | None
    first_prompts: list[str]  # empty unless requested; each is cut to a maximum length

    @property
    def cost_usd(self) -> float:
        return usd_of(self.cost_nano)

    @property
    def tokens(self) -> int:
        return sum(sum(model[1:5]) for model in self.models)

    @property
    def active_seconds(self) -> float:
        return self.active_ms / 1000


_METRICS, _COUNTS, _WORK = (attrgetter(*kind.__struct_fields__) for kind in (ModelMetrics, Counts, SessionWork))
SESSIONS_BY_ID = Question("query_api.sessions.by_id", SessionsById, SessionDetailRow)


async def load_sessions(context: ReadContext, org_id: str, keys: Sequence[OrgSessionKey]) -> list[Session]:
    """Return the sessions with these keys, in this order; those that the org does not have are left out."""
    return [session_of(row) for row in await load_session_rows(context, org_id, keys)]


async def load_session_rows(
    context: ReadContext, org_id: str, keys: Sequence[OrgSessionKey], with_prompts: bool = False
) -> list[SessionDetailRow]:
    """Return the same sessions as rows."""
    by_id: dict[UUID, SessionDetailRow] = {}
    for first in range(0, len(keys), SESSIONS_PER_QUESTION):
        some = keys[first : first + SESSIONS_PER_QUESTION]
        ids, hours = [key.session_id for key in some], sorted({key.started_hour_s for key in some})
        rows = await context.ask(SESSIONS_BY_ID, SessionsById(org_id, ids, hours, with_prompts))
        by_id |= {row.session_id: row for row in rows}
    return [by_id[key.session_id] for key in keys if key.session_id in by_id]


async def load_session_row(context: ReadContext, org_id: str, session_id: UUID) -> SessionDetailRow | None:
    """Return the session with this id, if the org has it."""
    rows = await context.ask(SESSIONS_BY_ID, SessionsById(org_id, [session_id], [], with_prompts=False))
    return rows[0] if rows else None


def session_of(row: SessionDetailRow) -> Session:
    """Return the API's session object. A page has many: copying the fields by name would take 1.7 times as long."""
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
        model_metrics=ModelMetrics(*_METRICS(row)),
        models=[_model(model) for model in row.models],
        counts=Counts(*_COUNTS(row)),
        tools=[ToolUse(*tool) for tool in row.tools],
        usage=Usage(_usage(row.models) if row.is_reported else None, _usage(row.measured), row.is_incomplete or UNSET),
        agents=[_agent(agent) for agent in row.agents],
        work=SessionWork(*_WORK(row)),
        client=row.client,
        client_version=row.client_version,
        redactions=dict(row.redactions),
        position=str(Position(row.log_partition, row.version - 1)),
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else instant(ms)


def _model(model: ModelTotals) -> ModelUse:
    return ModelUse(*model[:6], usd_of(model.cost_nano), model.cost_source)


def _usage(models: Sequence[ModelTotals]) -> UsageOf | None:
    if not models:
        return None
    *tokens, cost_nano = (sum(column) for column in list(zip(*models, strict=True))[1:-1])
    return UsageOf(*(*tokens, usd_of(cost_nano)), models=[_model(model) for model in models])


def _agent(agent: AgentTotals) -> AgentUsage:
    cost_usd = usd_of(agent.cost_nano)
    return AgentUsage(agent.agent_type or None, agent.agent_id or None, agent.requests, agent.tokens, cost_usd)
