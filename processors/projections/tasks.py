"""Makes the rows of `tasks`: subagents, tasks and uses of tools."""

from processors.fold.state import SessionState, TaskState
from schemas.store.rows import TaskRow


def task_row(state: SessionState, task: TaskState) -> TaskRow:
    """Return one row. A start without an end, or an end without a start, has a row as well."""
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
    """Return the status: ``running`` without an end, ``unknown`` without a start, ``completed`` with both.

    One half is enough for ``failed``.
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
