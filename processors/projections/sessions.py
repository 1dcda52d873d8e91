"""Makes the rows of a session's state: that of `sessions`, and those of `tasks` (subagents, tasks, uses of tools)."""

from collections.abc import Iterable
from operator import attrgetter

from kernel.words import search_text
from processors.fold.state import SessionState, TaskState
from schemas import ids
from schemas.log.records import ModelUsage
from schemas.pricing.price_list import PriceList
from schemas.store.rows import ModelTotals, SessionRow, TaskRow, ToolTotals

HOUR_MS = 3_600_000
_NAMES = attrgetter("summary", "title", "repo", "agent_name", "branch", "component", "project_id", "model")
_SUMMED = ModelTotals._fields[1:-1]  # tokens and cost, without the name and the source of the cost
_DERIVED = {
    *("started_hour", "thread_id", "sensitive", "duration_ms", "models", "tasks", "subagents", "tools", "search_text"),
    *_SUMMED,
}
_AS_THEY_ARE = tuple(name for name in SessionRow.__struct_fields__ if name not in _DERIVED)


def session_row(state: SessionState, prices: PriceList) -> SessionRow:
    """Return the whole state as of log position (partition, version - 1)."""
    models = model_totals(state, prices)
    return SessionRow(
        **{name: getattr(state, name) for name in _AS_THEY_ARE},
        started_hour=started_hour(state),
        thread_id=ids.thread_id(state.org_id, ids.thread_of(state.session_id)),
        sensitive=ids.is_sensitive(state.session_id),
        duration_ms=_duration_ms(state),
        models=models,
        **{name: sum(getattr(model, name) for model in models) for name in _SUMMED},
        tasks=len(state.tasks),
        subagents=len(state.agents),
        tools=[ToolTotals(n, t.calls, t.errors, t.duration_ms) for n, t in sorted(state.tools.items())],
        search_text=session_search_text(state, [model.model for model in models]),
    )


def started_hour(state: SessionState) -> int:
    """Return the hour in which the session started, in seconds since 1970. It is in the sort key, so it never moves."""
    return state.started_at // HOUR_MS * 3600


def model_totals(state: SessionState, prices: PriceList) -> list[ModelTotals]:
    """Return the latest report, one entry a model. Usage without a model belongs to the session's own model."""
    if state.report is None:
        return []
    reported_at = state.report.reported_at
    at_ms = state.report_received_at if reported_at is None else min(reported_at, state.report_received_at)
    totals: dict[str, ModelTotals] = {}
    for usage in state.report.models:
        name = usage.model if usage.model is not None else state.model or ""
        one = _totals(name, usage, prices, at_ms)
        totals[name] = _add(totals[name], one) if name in totals else one
    return list(totals.values())


def _totals(name: str, usage: ModelUsage, prices: PriceList, at_ms: int) -> ModelTotals:
    cost_nano, source = usage.cost_nano, "reported"
    if cost_nano is None:
        cost_nano = prices.cost_nano(name, usage, at_ms)
        source = "unknown" if cost_nano is None else "priced"
    return ModelTotals(
        name,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_creation_tokens,
        usage.cache_creation_1h_tokens,
        cost_nano or 0,
        source,
    )


def _add(one: ModelTotals, other: ModelTotals) -> ModelTotals:
    """Add two entries of one model: a report that names a model twice means both."""
    return ModelTotals(
        one.model,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cache_read_tokens + other.cache_read_tokens,
        one.cache_creation_tokens + other.cache_creation_tokens,
        one.cache_creation_1h_tokens + other.cache_creation_1h_tokens,
        one.cost_nano + other.cost_nano,
        one.cost_source if one.cost_source == other.cost_source else "unknown",
    )


def _duration_ms(state: SessionState) -> int | None:
    """Return the time from the start to the end, else to the last event; never below 0."""
    until = state.last_event_at if state.ended_at is None else state.ended_at
    return None if until is None else max(0, until - state.started_at)


def session_search_text(state: SessionState, models: Iterable[str]) -> str:
    """Return the case-folded words; none for a sensitive session.

    Every batch that touches a session makes its row again, so text that was folded before is reused.
    """
    if ids.is_sensitive(state.session_id):
        return ""
    known = state.searched
    names = (*_NAMES(state), *models)
    if names != known.names:
        known.names, known.names_text = names, search_text(filter(None, dict.fromkeys(names)))
    if len(state.first_prompts) > known.prompts:
        known.prompts_text += search_text(state.first_prompts[known.prompts :])
        known.prompts = len(state.first_prompts)
    return known.names_text + known.prompts_text


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
        _task_duration_ms(task),
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


def _task_duration_ms(task: TaskState) -> int | None:
    if task.duration_ms is not None:
        return task.duration_ms
    if task.started_at is None or task.ended_at is None:
        return None
    return max(0, task.ended_at - task.started_at)
