"""How each type of hook event changes a session's state. The API's reference states the same rules for counting."""

from collections.abc import Callable

from processors.fold.amounts import again, happened
from processors.fold.parsed import Parsed, parsed_of
from processors.fold.permissions import permission_requested
from processors.fold.prompts import prompt_by_hook, prompt_by_telemetry, prompts
from processors.fold.spans import session_started
from processors.fold.state import SessionState, TaskState
from processors.fold.subagents import subagent, subagent_start, subagent_stop
from processors.fold.tasks import begin_task, cancel, end_task, turn_over
from processors.fold.tool_uses import tool_batch, tool_begun, tool_denied, tool_failed, tool_finished
from processors.fold.usage import api_error, api_request, measurement
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.store.rows import FactRow

FIRST_PROMPTS = 50  # stored for search


def hook_event(state: SessionState, row: FactRow) -> None:
    state.events += 1
    if state.last_event_at is None or row.timestamp > state.last_event_at:
        state.last_event_at = row.timestamp
    if state.first_event_at is None or row.timestamp < state.first_event_at:
        state.first_event_at = row.timestamp
    if row.agent_id and row.event_type != "SubagentStop":
        subagent(state, row)
    step = HOOKS.get(row.event_type)
    if step is not None:
        step(state, row, parsed_of(row.parsed))
    elif row.event_type not in KNOWN_EVENT_TYPES:
        state.unknown_events += 1


def _session_start(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    model = state.model
    state.started_model = row.model or state.started_model
    if state.model != model:
        again(state)
    state.said_title.take(parsed.title, row.timestamp)
    session_started(state, row.timestamp)


def _prompt(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Count a user's prompt, which ends a turn; the client and subagents send prompts as well."""
    state.said_title.take(parsed.title, row.timestamp)
    _shells_ended(state, row, parsed)
    by_person = not (row.agent_id or parsed.source)
    before = prompts(state.asked)
    if not parsed.telemetry:
        prompt_by_hook(state, parsed.prompt_id, by_person=by_person)
    elif by_person:
        prompt_by_telemetry(state, parsed.prompt_id)
    if more := prompts(state.asked) - before:
        happened(state, row.timestamp).prompts += more
    if not by_person:
        return
    turn_over(state, row.timestamp)
    labels = state.telemetry_first_prompts if parsed.telemetry else state.first_prompts
    if row.label and len(labels) < FIRST_PROMPTS:
        labels.append(row.label)


def _stop(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    _shells_ended(state, row, parsed)
    if not row.agent_id:
        state.said_summary.take(parsed.answer, row.timestamp)
        turn_over(state, row.timestamp)


def _subagent_stop(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    _shells_ended(state, row, parsed)
    subagent_stop(state, row, parsed)


def _shells_ended(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Take what a payload says about shells that tool uses left running."""
    for ended in parsed.ended:
        use = state.uses.get(state.shells.get(ended.task_id, ""))
        if use is None or use.ended_at is not None:
            continue
        if ended.status == "cancelled":
            cancel(state, use)
            continue
        use.failed = use.failed or ended.status == "failed"
        end_task(state, use, row.timestamp)


def _task(state: SessionState, row: FactRow, _: Parsed) -> None:
    """Take either half of a task: its creation or its completion."""
    if not row.task_id:
        return
    task = state.tasks.get(row.task_id)
    if task is None:
        task = state.tasks[row.task_id] = TaskState("task", row.task_id, parent=row.agent_id)
    task.name = task.name or row.label
    begin_or_end = begin_task if row.event_type == "TaskCreated" else end_task
    begin_or_end(state, task, row.timestamp)


def _compaction(state: SessionState, _: FactRow, __: Parsed) -> None:
    state.compactions += 1


def _compacted(state: SessionState, _: FactRow, parsed: Parsed) -> None:
    if parsed.telemetry:
        state.telemetry_compactions += 1


HOOKS: dict[str, Callable[[SessionState, FactRow, Parsed], None]] = {
    "SessionStart": _session_start,
    "PostModelSwitch": lambda state, row, parsed: state.said_model.take(parsed.model, row.timestamp),
    "UserPromptSubmit": _prompt,
    "PreToolUse": tool_begun,
    "PostToolUse": tool_finished,
    "PostToolUseFailure": tool_failed,
    "PermissionRequest": permission_requested,
    "PermissionDenied": tool_denied,
    "PostToolBatch": tool_batch,
    "SubagentStart": subagent_start,
    "SubagentStop": _subagent_stop,
    "TaskCreated": _task,
    "TaskCompleted": _task,
    "PreCompact": _compaction,
    "PostCompact": _compacted,
    "Stop": _stop,
    "StopFailure": _stop,
    "ApiRequest": api_request,
    "ApiError": api_error,
    "Measurement": measurement,
}
