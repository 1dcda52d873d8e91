"""A run as a tree: its conversations, and in each what happened inside it, children under what they belong to."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from query_api.question import TaskRow
from schemas.http.responses import Session, instant

DEPTH_MAX = 64
Key = tuple[str, str]  # kind and id
_ORDER = ("subagent", "task", "tool")  # in which a parent's id is looked up, as each kind has ids of its own


class Totals(Struct, frozen=True):
    """What some sessions add up to."""

    sessions: int
    events: int
    tool_calls: int
    tokens: int
    cost_usd: float


class TaskNode(Struct, frozen=True):
    """A subagent, a task or a use of a tool. ``duration_ms`` is what was reported, else from start to end."""

    id: str
    kind: str
    name: str | None
    status: str
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    agent_type: str | None
    parent_task_id: str | None
    tool_calls: int
    children: list["TaskNode"]


class Conversation(Session, frozen=True, kw_only=True):
    """A session, and what happened inside it; ``truncated`` if there is more."""

    tasks: list[TaskNode]
    truncated: bool


class Run(Struct, frozen=True):
    """The conversations of one run, as far as the caller may see them; it ends when all of them have."""

    id: UUID | None
    started_at: str
    ended_at: str | None
    totals: Totals
    conversations: list[Conversation]


class Hierarchy(Struct, frozen=True):
    """A run with everything in it."""

    run: Run


def tree_of(rows: Sequence[TaskRow]) -> list[TaskNode]:
    """The nodes in order of time, each once: under its parent, or at the top if that is not among them."""
    ordered = sorted(rows, key=_by_time)
    above = _parents(ordered)
    nodes = {_key(row): _node(row) for row in ordered}
    top: list[TaskNode] = []
    for key, node in nodes.items():
        parent = above[key]
        (top if parent is None else nodes[parent].children).append(node)
    return top


def _parents(rows: Sequence[TaskRow]) -> dict[Key, Key | None]:
    """Whoever has no way to the top, going round in a circle or from too deep, comes to stand there."""
    known = {_key(row) for row in rows}
    above = {_key(row): next((key for key in _possible_parents(row) if key in known), None) for row in rows}
    for key in above:
        if not _reaches_top(key, above):
            above[key] = None
    return above


def _possible_parents(row: TaskRow) -> list[Key]:
    return [(kind, row.parent) for kind in _ORDER if row.parent]


def _reaches_top(key: Key, above: dict[Key, Key | None]) -> bool:
    at: Key | None = key
    for _ in range(DEPTH_MAX):
        if at is None:
            return True
        at = above[at]
    return at is None


def _key(row: TaskRow) -> Key:
    return row.kind, row.task_id


def _by_time(row: TaskRow) -> tuple[bool, int, Key]:
    """What never started, nor ended, comes last."""
    at = row.ended_ms if row.started_ms is None else row.started_ms
    return at is None, at or 0, _key(row)


def _node(row: TaskRow) -> TaskNode:
    return TaskNode(
        id=row.task_id,
        kind=row.kind,
        name=row.title or None,
        status=row.status,
        started_at=None if row.started_ms is None else instant(row.started_ms),
        ended_at=None if row.ended_ms is None else instant(row.ended_ms),
        duration_ms=row.duration_ms,
        agent_type=row.agent or None,
        parent_task_id=row.parent or None,
        tool_calls=row.tool_calls,
        children=[],
    )
