"""Makes the rows of a session's state: that of `sessions`, and those of `tasks` (subagents, tasks, tool uses)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Struct, structs

from prices.price_list import PriceList
from processors.fold.amounts import BUCKET_MS
from processors.fold.permissions import is_denied
from processors.fold.prompts import prompts
from processors.fold.spans import duration_ms
from processors.fold.state import SessionState, TaskState, Work
from processors.fold.usage import HOUR_MS
from processors.projections.usage import SUMMED, agent_totals, model_totals
from schemas import ids
from schemas.models import canonical_model
from schemas.store.rows import QUARTER_S, ModelTotals, SessionRow, TaskRow, ToolTotals
from schemas.words import search_text

_AS_THEY_ARE = (
    *("org_id", "session_id", "version", "log_partition", "created", "run_id", "external_id", "user_id", "component"),
    *("project_id", "repository_id", "agent_name", "started_at", "last_event_at", "ended_at", "outcome", "events"),
    *("unknown_events", "redactions", "client", "client_version", "api_requests", "api_errors"),
)


class Named(Struct, frozen=True):
    """The names of a session: as they were given, else as its client reports them."""

    trigger: str
    parent_id: UUID | None
    relation: str | None
    repo: str | None
    remote_url: str | None
    branch: str | None
    title: str | None
    summary: str | None
    model: str | None


def session_row(state: SessionState, prices: PriceList) -> SessionRow:
    """Return the whole state as of log position (partition, version - 1)."""
    models, measured = model_totals(state, prices)
    names = named(state, models)
    tools = _tools(state)
    return SessionRow(
        **{name: getattr(state, name) for name in _AS_THEY_ARE},
        **structs.asdict(names),
        started_hour=started_hour(state),
        thread_id=ids.thread_id(state.org_id, ids.thread_of(_whose_thread(state, names))),
        sensitive=ids.is_sensitive(state.session_id),
        duration_ms=duration_ms(state),
        models=models,
        **{name: sum(getattr(model, name) for model in models) for name in SUMMED},
        prompts=prompts(state.asked),
        compactions=max(state.compactions, state.telemetry_compactions),
        tool_calls=sum(tool.calls for tool in tools),
        tool_errors=sum(tool.errors for tool in tools),
        tasks=len(state.tasks),
        subagents=len(state.agents),
        tools=tools,
        first_prompts=state.first_asked,
        search_text=session_search_text(state, names, [model.model for model in models]),
        is_reported=state.is_reported,
        measured=measured,
        measured_cost_nano=sum(spent.cost_nano for spent in state.spent.values()),  # as given by the client
        agents=agent_totals(state, prices),
        is_work_reported=state.work_report is not None,
        is_incomplete=state.is_reported and state.report is not None and state.report.is_incomplete,
        **{name: getattr(state.work_done, name) for name in Work.__struct_fields__},
    )


def has_moved(state: SessionState, start: int) -> bool:
    """Return whether a session that started in this quarter of an hour (s) now starts in another one of that hour."""
    return start != state.started_at // BUCKET_MS * QUARTER_S and start // 3_600 == state.started_at // HOUR_MS


def moved_start(state: SessionState, start: int, version: int) -> SessionRow:
    """Return an empty row for the quarter of an hour in which a session doesn't start any more.

    The version of a rollup is the sum of those of its parts, and must not become smaller. So the row belongs to no
    session: each move adds one. It must be in the same insert as the row that moves.
    """
    said = f"{state.org_id} {state.session_id} {version}".encode()
    known: dict[str, Any] = {
        "org_id": state.org_id,
        "started_hour": start // 3_600 * 3_600,
        "session_id": UUID(bytes=blake2b(said, digest_size=16).digest(), version=4),
        "version": version,
        "log_partition": state.log_partition,
        "started_at": start * 1_000,
        "is_erased": True,
    }
    hints = get_type_hints(SessionRow)
    return SessionRow(**{name: known[name] if name in known else _empty(hint) for name, hint in hints.items()})


def _empty(hint: Any) -> Any:
    if type(None) in get_args(hint):
        return None
    return UUID(int=0) if hint is UUID else (get_origin(hint) or hint)()


def started_hour(state: SessionState) -> int:
    """Return the hour in which the session started, in seconds since 1970. It is in the sort key, so it never moves."""
    return state.started_at // HOUR_MS * 3600


def named(state: SessionState, models: Sequence[ModelTotals]) -> Named:
    """Return the names of a session; ``models`` are those that it used."""
    said, parent = state.described.get, state.described.get("parent_id")
    return Named(
        trigger=state.trigger or said("trigger") or "interactive",
        parent_id=state.parent_id or (UUID(parent) if parent else None),
        relation=state.relation or said("relation"),
        repo=state.repo or said("repo"),
        remote_url=state.remote_url or said("remote_url"),
        branch=_given(state, "branch", said("branch")),
        title=_given(state, "title", state.said_title.text),
        summary=_given(state, "summary", state.said_summary.text),
        model=state.said_model.text or state.model or _only_model(state, models),
    )


def _given(state: SessionState, name: str, said: str | None) -> str | None:
    """Return what was given (None if a change cleared it), else what the client says."""
    value: str | None = getattr(state, name)
    return said if value is None and name not in state.changed else value


def _only_model(state: SessionState, models: Sequence[ModelTotals]) -> str | None:
    """Return the model that a session used; of several, the one with most of the main agent's output."""
    if len(models) == 1:
        return models[0].model or None
    output: Counter[str] = Counter()
    for (name, agent_id, _), spent in state.spent.items():
        if not agent_id:
            output[canonical_model(name)] += spent.output_tokens
    return max(output, key=lambda model: (output[model], model), default=None) or None


def _whose_thread(state: SessionState, names: Named) -> UUID:
    """Return the session whose thread this one is in. An id that was made for an agent lacks its parent's thread."""
    if state.parent_id is None and names.parent_id is not None and names.relation in ids.OF_PARENTS_THREAD:
        return names.parent_id
    return state.session_id


def _tools(state: SessionState) -> list[ToolTotals]:
    return [ToolTotals(name, *structs.astuple(tool.totals())) for name, tool in sorted(state.tools.items())]


def session_search_text(state: SessionState, names: Named, models: Iterable[str]) -> str:
    """Return the case-folded words; none for a sensitive session.

    Every batch that touches a session makes its row again, so text that was already folded is reused.
    """
    if ids.is_sensitive(state.session_id):
        return ""
    known, of_telemetry = state.searched, not state.first_prompts
    given = (names.summary, names.title, names.repo, state.agent_name, names.branch, state.component, state.project_id)
    searched = (*given, names.model, *models)
    if searched != known.names:
        known.names, known.names_text = searched, search_text(filter(None, dict.fromkeys(searched)))
    if of_telemetry != known.of_telemetry:
        known.of_telemetry, known.prompts, known.prompts_text = of_telemetry, 0, ""
    if len(state.first_asked) > known.prompts:
        known.prompts_text += search_text(state.first_asked[known.prompts :])
        known.prompts = len(state.first_asked)
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
    """Return the status. One half is enough for ``failed`` and ``denied``; ``completed`` needs both.

    ``unknown`` lacks its start; ``cancelled`` was open when its turn ended, ``running`` still is.
    """
    if task.failed:
        return "failed"
    if is_denied(task):
        return "denied"
    if task.started_at is None:
        return "unknown"
    if task.ended_at is not None:
        return "completed"
    return "cancelled" if task.cancelled else "running"


def _task_duration_ms(task: TaskState) -> int | None:
    """Return the reported duration, unless it is only the time until a shell continued in the background."""
    if task.duration_ms is not None and not (task.kind == "tool" and task.background):
        return task.duration_ms
    if task.started_at is None or task.ended_at is None:
        return None
    return max(0, task.ended_at - task.started_at)
