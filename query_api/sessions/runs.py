"""Reading a run: its conversations, and what happened inside them, bounded however much that is."""

from collections.abc import Sequence

from msgspec import structs

from edge.errors import not_found
from query_api.question import (
    RUN_CONVERSATIONS,
    TASKS_OF_SESSIONS,
    RunConversationRow,
    RunOf,
    TaskRow,
    TasksOfSessions,
)
from query_api.read_context import Reading
from query_api.sessions.by_id import whole_sessions
from query_api.sessions.task_tree import Conversation, Run, Totals, tree_of
from schemas.http.responses import Session, instant
from schemas.money import usd_of

CONVERSATIONS_MAX = 1_000  # of a run; its totals count all of them
NODES_MAX = 5_000  # of a conversation
NODES_IN_ALL_MAX = 100_000
_KINDS = ["subagent", "task"]


async def run_of(reading: Reading, viewer_id: str | None, session: Session, with_tools: bool) -> Run:
    """The run of a session that ``viewer_id`` (None: everybody's) sees. A session without one is a run of its own.

    Raises:
        ApiError: 404 if the session was taken from the caller's sight meanwhile.
    """
    question = RunOf(session.org_id, viewer_id, session.id, session.run_id, CONVERSATIONS_MAX)
    found = await reading.ask(RUN_CONVERSATIONS, question)
    if not found:
        raise not_found()
    session_ids = [row.session_id for row in found]
    kinds = [*_KINDS, "tool"] if with_tools else _KINDS
    inside = await reading.ask(
        TASKS_OF_SESSIONS, TasksOfSessions(session.org_id, session_ids, kinds, NODES_MAX, NODES_IN_ALL_MAX)
    )
    sessions = await whole_sessions(reading, session.org_id, found)
    return _run(session, found[0], _conversations(sessions, inside, with_tools))


def _run(session: Session, row: RunConversationRow, conversations: list[Conversation]) -> Run:
    return Run(
        id=session.run_id,
        started_at=instant(row.run_started_ms),
        ended_at=None if row.run_ended_ms is None else instant(row.run_ended_ms),
        totals=totals_of(row),
        conversations=conversations,
    )


def totals_of(row: RunConversationRow) -> Totals:
    """The totals that a row carries."""
    return Totals(
        row.total_sessions, row.total_events, row.total_tool_calls, row.total_tokens, usd_of(row.total_cost_nano)
    )


def _conversations(sessions: Sequence[Session], inside: Sequence[TaskRow], with_tools: bool) -> list[Conversation]:
    """In the order in which they started."""
    rows: dict[object, list[TaskRow]] = {session.id: [] for session in sessions}
    for row in inside:
        rows.get(row.session_id, []).append(row)
    cut = len(inside) == NODES_IN_ALL_MAX
    return [
        Conversation(
            **structs.asdict(session),
            tasks=tree_of(rows[session.id]),
            truncated=_is_truncated(session, rows[session.id], cut, with_tools),
        )
        for session in sorted(sessions, key=lambda session: (session.started_at, session.id))
    ]


def _is_truncated(session: Session, rows: Sequence[TaskRow], cut: bool, with_tools: bool) -> bool:
    """Where nodes were ``cut`` off at the end of all, a session without any may have had some."""
    if rows:
        return rows[0].nodes > len(rows)
    counts = session.counts
    return cut and counts.subagents + counts.tasks + (counts.tool_calls if with_tools else 0) > 0
