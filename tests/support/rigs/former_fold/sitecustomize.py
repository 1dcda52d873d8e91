"""Python runs this at its start where this folder is in PYTHONPATH: the processes are of fold version 3.

That version counted every prompt, knew neither spans nor refused, cancelled or denied uses of tools, had no ledger, and
took titles, summaries and models from requests alone.
"""

from typing import Any

from processors.fold import fold, fold_hooks, subagents, tasks, tool_uses
from processors.fold.parsed import NOTHING, Parsed
from processors.fold.state import SessionState
from processors.projections import sessions, usage
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.store.rows import FactRow

fold.FOLD_VERSION = 3
_LATER = {
    *("PreSkillShellCommand", "BeforeModel", "AfterModel", "BeforeToolSelection", "PreCompress"),
    *("ApiRequest", "ApiError", "Measurement", "PermissionModeChanged"),
}


def _prompt(state: SessionState, row: FactRow, _: Parsed) -> None:
    state.prompts += 1
    if row.label and len(state.first_prompts) < fold_hooks.FIRST_PROMPTS:
        state.first_prompts.append(row.label)


def _session_start(state: SessionState, row: FactRow, _: Parsed) -> None:
    state.started_model = row.model or state.started_model


def _tool_denied(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    tool_uses.tool_denied(state, row, parsed)
    if row.tool_use_id:
        state.uses[row.tool_use_id].failed = True


def _subagent_stop(state: SessionState, row: FactRow, _: Parsed) -> None:
    if row.agent_id:
        tasks.end_task(state, subagents.subagent(state, row), row.timestamp)


def _without_detail(step: Any) -> Any:
    return lambda state, row, _: step(state, row, NOTHING)


_STEPS = {
    "SessionStart": _session_start,
    "UserPromptSubmit": _prompt,
    "PermissionDenied": _tool_denied,
    "SubagentStop": _subagent_stop,
}
_NONE = {"PostToolBatch", "PostCompact", "Stop", "StopFailure", "PostModelSwitch", *_LATER}
fold_hooks.HOOKS = {
    name: _STEPS.get(name) or _without_detail(step) for name, step in fold_hooks.HOOKS.items() if name not in _NONE
}
_FORMER: list[tuple[Any, str, Any]] = [
    (fold_hooks, "KNOWN_EVENT_TYPES", KNOWN_EVENT_TYPES - _LATER),
    (fold, "span_over", lambda _state, _at: None),
    (usage, "canonical_model", lambda name: name),
    (sessions, "_only_model", lambda _state, _models: None),
]
for module, name, former in _FORMER:
    setattr(module, name, former)
