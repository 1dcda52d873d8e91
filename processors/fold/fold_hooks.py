"""How each type of hook event changes a session's state. The API's reference states the same rules for counting."""

from collections.abc import Callable

from processors.fold.state import SessionState, TaskState
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.store.rows import FactRow

FIRST_PROMPTS = 50  # stored for search


def hook_event(state: SessionState, row: FactRow) -> None:
    """Count one new hook event."""
    state.events += 1
    if state.last_event_at is None or row.timestamp > state.last_event_at:
        state.last_event_at = row.timestamp
    if row.agent_id:
        _subagent(state, row)
    step = HOOKS.get(row.event_type)
    if step is not None:
        step(state, row)
    elif row.event_type not in KNOWN_EVENT_TYPES:
        state.unknown_events += 1


def _subagent(state: SessionState, row: FactRow) -> TaskState:
    """Return the agent of a payload. Any payload that names an agent adds it, even if its start never arrives."""
    task = state.agents.get(row.agent_id)
    if task is None:
        task = state.agents[row.agent_id] = TaskState("subagent", row.agent_id)
        _touch(state, task)
    if row.agent_type and not task.agent_type:
        task.agent_type = task.name = row.agent_type
        _touch(state, task)
    return task


def _subagent_start(state: SessionState, row: FactRow) -> None:
    if row.agent_id:
        _start(state, _subagent(state, row), row)


def _subagent_stop(state: SessionState, row: FactRow) -> None:
    if row.agent_id:
        _stop(state, _subagent(state, row), row)


def _task_created(state: SessionState, row: FactRow) -> None:
    if row.task_id:
        _start(state, _task(state, row), row)


def _task_completed(state: SessionState, row: FactRow) -> None:
    if row.task_id:
        _stop(state, _task(state, row), row)


def _task(state: SessionState, row: FactRow) -> TaskState:
    task = state.tasks.get(row.task_id)
    if task is None:
        task = state.tasks[row.task_id] = TaskState("task", row.task_id, parent=row.agent_id)
    task.name = task.name or row.label
    return task


def _tool_begun(state: SessionState, row: FactRow) -> None:
    if row.tool_use_id:
        _start(state, _tool_use(state, row), row)
    else:
        state.tool_calls += 1
        state.tool(row.tool_name).calls += 1
        _count_for_agent(state, row)


def _tool_finished(state: SessionState, row: FactRow) -> None:
    if row.tool_use_id:
        _finish(state, _tool_use(state, row), row)
    else:
        state.tool(row.tool_name).duration_ms += row.duration_ms or 0


def _tool_failed(state: SessionState, row: FactRow) -> None:
    """Count an error: once per use, or each time where no id tells uses apart."""
    if not row.tool_use_id:
        _count_error(state, row.tool_name)
        return _tool_finished(state, row)
    use = _tool_use(state, row)
    if not use.errors:
        use.errors, use.failed = 1, True
        _count_error(state, use.name)
    return _finish(state, use, row)


def _tool_denied(state: SessionState, row: FactRow) -> None:
    if row.tool_use_id:
        use = _tool_use(state, row)
        use.failed = True
        _stop(state, use, row)


def _tool_use(state: SessionState, row: FactRow) -> TaskState:
    """Return a use of a tool. The first payload with its id counts as the call, whichever half of the pair it is.

    The use belongs to the first agent that either half names.
    """
    use = state.uses.get(row.tool_use_id)
    if use is None:
        use = state.uses[row.tool_use_id] = TaskState("tool", row.tool_use_id, name=row.tool_name)
        state.tool_calls += 1
        state.tool(row.tool_name).calls += 1
    if row.agent_id and not use.parent:
        use.parent = row.agent_id
        _count_for_agent(state, row)
    return use


def _count_for_agent(state: SessionState, row: FactRow) -> None:
    """Count a tool call for its subagent, by the session's rule."""
    if row.agent_id:
        agent = _subagent(state, row)
        agent.tool_calls += 1
        _touch(state, agent)


def _finish(state: SessionState, use: TaskState, row: FactRow) -> None:
    """End a use of a tool. The first duration that is reported counts."""
    if use.duration_ms is None and row.duration_ms is not None:
        use.duration_ms = row.duration_ms
        state.tool(use.name).duration_ms += row.duration_ms
    _stop(state, use, row)


def _count_error(state: SessionState, tool_name: str) -> None:
    state.tool_errors += 1
    state.tool(tool_name).errors += 1


def _start(state: SessionState, task: TaskState, row: FactRow) -> None:
    if task.started_at is None:
        task.started_at = row.timestamp
    _touch(state, task)


def _stop(state: SessionState, task: TaskState, row: FactRow) -> None:
    if task.ended_at is None:
        task.ended_at = row.timestamp
    _touch(state, task)


def _touch(state: SessionState, task: TaskState) -> None:
    task.version = state.version
    if not task.touched:
        task.touched = True
        state.touched.append(task)


def _prompt(state: SessionState, row: FactRow) -> None:
    state.prompts += 1
    if row.label and len(state.first_prompts) < FIRST_PROMPTS:
        state.first_prompts.append(row.label)


def _compaction(state: SessionState, _: FactRow) -> None:
    state.compactions += 1


def _session_start(state: SessionState, row: FactRow) -> None:
    state.started_model = row.model or state.started_model


HOOKS: dict[str, Callable[[SessionState, FactRow], None]] = {
    "SessionStart": _session_start,
    "UserPromptSubmit": _prompt,
    "PreToolUse": _tool_begun,
    "PostToolUse": _tool_finished,
    "PostToolUseFailure": _tool_failed,
    "PermissionDenied": _tool_denied,
    "SubagentStart": _subagent_start,
    "SubagentStop": _subagent_stop,
    "TaskCreated": _task_created,
    "TaskCompleted": _task_completed,
    "PreCompact": _compaction,
}
