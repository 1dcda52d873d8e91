"""Subagents, tasks and uses of tools become their rows of `tasks`."""

from processors.fold.state import SessionState, TaskState
from schemas.store.rows import TaskRow


def task_row(state: SessionState, task: TaskState) -> TaskRow:
    """One row; a half that lacks its partner still shows."""
    return TaskRow(
        state.org_id,
        state.session_id,
        task.kind,
        task.task_id,
        task.version,
        state.log_partition,
        task.name,
        status_of(task),
        task.started_at,
        task.ended_at,
        _duration_ms(task),
        task.agent_type,
        task.parent,
        task.tool_calls,
    )


def status_of(task: TaskState) -> str:
    """``running`` lacks its end, ``unknown`` its start: whether it went well is known of a whole pair alone.

    A failure is told by one half.
    """
    if task.failed:
        return "failed"
    if task.started_at is None:
        return "unknown"
    return "running" if task.ended_at is None else "completed"


def _duration_ms(task: TaskState) -> int | None:
    if task.duration_ms is not None:
        return task.duration_ms
    if task.started_at is None or task.ended_at is None:
        return None
    return max(0, task.ended_at - task.started_at)
