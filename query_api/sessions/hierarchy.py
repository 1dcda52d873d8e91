"""The run of one session: its conversations, each with its subagents and tasks."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from edge.errors import not_found
from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context, Secrets
from query_api.sessions.by_id import OrgSessionKey, load_sessions
from query_api.sessions.one import load_visible_session
from query_api.sessions.task_tree import TaskNode, TaskNodeRow, tree_of
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import RUN_ID, doc, moment
from schemas.http.responses import Reply, Session, from_row
from schemas.money import usd_of
from schemas.times import instant
from store.reading.question import Question

CONVERSATIONS_MAX = 1_000  # of a run; its totals count all of them
NODES_MAX = 5_000  # of a conversation
NODES_IN_ALL_MAX = 100_000
_KINDS = ["subagent", "task"]


class RunOf(Struct, frozen=True):
    """A session's run, or only the session if it has none. ``viewer_id`` is set if the caller sees only their own."""

    org_id: str
    viewer_id: str | None
    session_id: UUID
    run_id: UUID | None
    limit: int


class RunConversationRow(OrgSessionKey, frozen=True):
    """One conversation of the run, and the totals of all its conversations."""

    total_sessions: int
    total_events: int
    total_tool_calls: int
    total_tokens: int
    total_cost_nano: int
    run_started_ms: int
    run_ended_ms: int | None


class TasksOfSessions(Struct, frozen=True):
    """The nodes of these ``kinds`` in these sessions, at most ``limit_by`` for each session and ``limit`` in all."""

    org_id: str
    session_ids: list[UUID]
    kinds: list[str]
    limit_by: int
    limit: int


RUN_CONVERSATIONS = Question("query_api.sessions.run_conversations", RunOf, RunConversationRow)
TASKS_OF_SESSIONS = Question("query_api.sessions.tasks_of_sessions", TasksOfSessions, TaskNodeRow)


class Totals(Struct, frozen=True):
    """The totals of several sessions."""

    sessions: fields.Sessions
    events: fields.Events
    tool_calls: fields.ToolCalls
    tokens: fields.Tokens
    cost_usd: fields.CostUsd


class Conversation(Session, frozen=True, kw_only=True):
    """A session and its tasks; ``truncated`` if it has more than are shown."""

    tasks: Annotated[list[TaskNode], doc("Subagents, tasks and tool calls, ordered by time.")]
    truncated: fields.Truncated


class Run(Struct, frozen=True):
    """The conversations of one run that the caller may see; the run ends when all of them have ended."""

    id: Annotated[UUID | None, doc("Run id; null for a conversation without a run.", RUN_ID)]
    started_at: Annotated[str, moment("Start of the first conversation.")]
    ended_at: Annotated[str | None, moment("End of the last conversation; null while a conversation is active.")]
    totals: Annotated[Totals, doc("Totals of those sessions.")]
    conversations: Annotated[list[Conversation], doc("Sessions that the caller may see.")]


class Hierarchy(Struct, frozen=True):
    """A run with its conversations and tasks."""

    run: Annotated[Run, doc("The run, with its conversations.")]


@get("/sessions/{session_id:str}/hierarchy", operation_id="GetHierarchy", guards=[may("session.read")])
async def get_hierarchy(
    session_id: FromPath[str],
    principal: Caller,
    context: Context,
    id_secrets: Secrets,
    include: FromQuery[Annotated[Literal["tools"], doc("Add a node for each tool call.", "tools")] | None] = None,
) -> Response[Reply[Hierarchy]]:
    """Return the run of the session: its conversations, each with its subagents and tasks.

    ``include=tools`` adds tool uses. What an agent did is listed under that agent. A start without an end, an end
    without a start and a node with an unknown parent are included. A conversation shows at most 5,000 nodes and is
    ``truncated`` if it has more. A run shows its first 1,000 conversations besides this session; its totals count all.
    """
    session = await load_visible_session(context, principal, session_id, id_secrets)
    params = RunOf(session.org_id, viewer_of(principal), session.id, session.run_id, CONVERSATIONS_MAX)
    found = await context.ask(RUN_CONVERSATIONS, params)
    if not found:  # the session is no longer visible
        raise not_found()
    session_ids = [row.session_id for row in found]
    with_tools = include == "tools"
    kinds = [*_KINDS, "tool"] if with_tools else _KINDS
    nodes = await context.ask(
        TASKS_OF_SESSIONS, TasksOfSessions(session.org_id, session_ids, kinds, NODES_MAX, NODES_IN_ALL_MAX)
    )
    sessions = await load_sessions(context, session.org_id, found)
    run = found[0]
    shown = Run(
        id=session.run_id,
        started_at=instant(run.run_started_ms),
        ended_at=None if run.run_ended_ms is None else instant(run.run_ended_ms),
        totals=Totals(
            run.total_sessions, run.total_events, run.total_tool_calls, run.total_tokens, usd_of(run.total_cost_nano)
        ),
        conversations=_conversations(sessions, nodes, with_tools),
    )
    return context.reply(Hierarchy(shown))


def _conversations(sessions: Sequence[Session], nodes: Sequence[TaskNodeRow], with_tools: bool) -> list[Conversation]:
    """Return the conversations in the order in which they started."""
    rows: dict[object, list[TaskNodeRow]] = {session.id: [] for session in sessions}
    for row in nodes:
        rows.get(row.session_id, []).append(row)
    cut = len(nodes) == NODES_IN_ALL_MAX
    return [
        from_row(
            Conversation,
            session,
            tasks=tree_of(rows[session.id]),
            truncated=_is_truncated(session, rows[session.id], cut, with_tools),
        )
        for session in sorted(sessions, key=lambda session: (session.started_at, session.id))
    ]


def _is_truncated(session: Session, rows: Sequence[TaskNodeRow], cut: bool, with_tools: bool) -> bool:
    """Return whether nodes are missing. If the list was ``cut``, even a session without listed nodes may have some."""
    if rows:
        return rows[0].nodes > len(rows)
    counts = session.counts
    return cut and counts.subagents + counts.tasks + (counts.tool_calls if with_tools else 0) > 0
