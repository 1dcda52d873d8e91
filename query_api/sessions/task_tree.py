"""The tree of what happened in one session, with each node under its parent. Pure."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Struct

from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.times import instant

DEPTH_MAX = 64
Key = tuple[str, str]  # kind and id
_ORDER = ("subagent", "task", "tool")  # the order for looking up a parent's id: ids are unique only within a kind

_STATUSES = "completed running failed denied cancelled unknown"


class TaskNodeRow(Struct, frozen=True):
    """A subagent, a task or a tool use, and the number of nodes of its session; absent texts are empty."""

    session_id: UUID
    kind: str
    task_id: str
    title: str
    status: str
    started_ms: int | None
    ended_ms: int | None
    duration_ms: int | None
    agent: str
    parent: str
    tool_calls: int
    nodes: int


class TaskNode(Struct, frozen=True):
    """A subagent, a task or a tool use. ``duration_ms`` is the reported duration, else the time from start to end."""

    id: Annotated[str, doc("The client's id of the agent, the task or the tool call.", "toolu_01")]
    kind: Annotated[str, doc("Kind of node.", values="tool subagent task")]
    name: Annotated[str | None, doc("Subagent type, task subject or tool name.", "Bash")]
    status: Annotated[str, doc("Status; `unknown` if its start was not recorded.", values=_STATUSES)]
    started_at: Annotated[str | None, moment("Start time; null if it was not recorded.")]
    ended_at: Annotated[str | None, moment("End time; null while it runs, or if it was not recorded.")]
    duration_ms: Annotated[int | None, doc("Duration in milliseconds.", 1250)]
    agent_type: fields.AgentType | None
    parent_task_id: Annotated[str | None, doc("Id of the parent node.", "a1b2c3d4")]
    tool_calls: fields.ToolCalls
    children: Annotated[list["TaskNode"], doc("Nodes inside this one.", [])]


def tree_of(rows: Sequence[TaskNodeRow]) -> list[TaskNode]:
    """Return the nodes by time, each once: under its parent, or at the top if the parent is not among the nodes."""
    ordered = sorted(rows, key=_by_time)
    known = {_key(row) for row in ordered}
    above: dict[Key, Key | None] = {}
    for row in ordered:
        possible = [(kind, row.parent) for kind in _ORDER if row.parent]
        above[_key(row)] = next((key for key in possible if key in known), None)
    for key in above:
        if not _reaches_top(key, above):  # it is in a cycle, or too deep
            above[key] = None
    nodes = {_key(row): _node(row) for row in ordered}
    top: list[TaskNode] = []
    for key, node in nodes.items():
        parent = above[key]
        (top if parent is None else nodes[parent].children).append(node)
    return top


def _reaches_top(key: Key, above: dict[Key, Key | None]) -> bool:
    at: Key | None = key
    for _ in range(DEPTH_MAX):
        if at is None:
            return True
        at = above[at]
    return at is None


def _key(row: TaskNodeRow) -> Key:
    return row.kind, row.task_id


def _by_time(row: TaskNodeRow) -> tuple[bool, int, Key]:
    """Return the sort key; a node that neither started nor ended comes last."""
    at = row.ended_ms if row.started_ms is None else row.started_ms
    return at is None, at or 0, _key(row)


def _node(row: TaskNodeRow) -> TaskNode:
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
