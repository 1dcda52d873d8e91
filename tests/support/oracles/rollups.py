"""The rollups in plain Python: of quarters from sessions and amounts, of days from their quarters."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from schemas.store.rows import DAY_S, QUARTER_S, AmountsRow, DateTime, DateTime64, Int64, SessionRow, UInt32, UInt64


class Group(NamedTuple):
    """The measures of sessions that started, and of what happened, by the dimensions used for filters and groups."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    sessions: Int64 = 0
    ended: Int64 = 0
    success: Int64 = 0
    failure: Int64 = 0
    timeout: Int64 = 0
    cancelled: Int64 = 0
    duration_ms: Int64 = 0
    events: Int64 = 0
    prompts: Int64 = 0
    tool_calls: Int64 = 0
    tool_errors: Int64 = 0
    lines_added: Int64 = 0
    lines_removed: Int64 = 0
    commits: Int64 = 0
    pull_requests: Int64 = 0
    active_ms: Int64 = 0
    last_active_at: DateTime64 = 0


class ModelGroup(NamedTuple):
    """Tokens and money by the same dimensions, and by model."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    model: str
    sessions: Int64 = 0
    input_tokens: Int64 = 0
    output_tokens: Int64 = 0
    cache_read_tokens: Int64 = 0
    cache_creation_tokens: Int64 = 0
    cache_creation_1h_tokens: Int64 = 0
    cost_nano: Int64 = 0


class RollupRow(Struct):
    """A bucket of `rollups`, as in the database."""

    org_id: str
    seconds: UInt32
    bucket: DateTime
    version: UInt64
    sessions: Int64
    ended: Int64
    success: Int64
    failure: Int64
    timeout: Int64
    cancelled: Int64
    duration_ms: Int64
    events: Int64
    prompts: Int64
    tool_calls: Int64
    tool_errors: Int64
    lines_added: Int64
    lines_removed: Int64
    commits: Int64
    pull_requests: Int64
    active_ms: Int64
    input_tokens: Int64
    output_tokens: Int64
    cache_read_tokens: Int64
    cache_creation_tokens: Int64
    cache_creation_1h_tokens: Int64
    cost_nano: Int64
    users: list[str]
    groups: list[Group]
    model_groups: list[ModelGroup]


_MEASURES = Group._fields[4:-1]
_USAGE = ModelGroup._fields[6:]


def rollup_of_quarter(
    org_id: str, bucket: int, sessions: Sequence[SessionRow], amounts: Sequence[AmountsRow]
) -> RollupRow | None:
    """Return a quarter of an hour: what started in it, and what happened in it, all of one org; None if nothing did."""
    if not sessions and not amounts:
        return None
    version = sum(row.version for row in sessions) + sum(row.version for row in amounts)
    sessions = [session for session in sessions if not session.is_erased]
    groups = [_started(session) for session in sessions] + [_happened(one) for one in amounts]
    models = [ModelGroup(*_names(session), model.model, 1) for session in sessions for model in session.models]
    models += [ModelGroup(*_names(one), model.model, 0, *model[1:]) for one in amounts for model in one.models]
    return _row(org_id, QUARTER_S, bucket, version, groups, models)


def rollup_of_day(org_id: str, day: int, quarters: Sequence[RollupRow]) -> RollupRow | None:
    """Return the bucket of a day, from its quarters."""
    if not quarters:
        return None
    groups = [group for quarter in quarters for group in quarter.groups]
    models = [group for quarter in quarters for group in quarter.model_groups]
    return _row(org_id, DAY_S, day, sum(quarter.version for quarter in quarters), groups, models)


def _row(
    org_id: str, seconds: int, bucket: int, version: int, groups: Sequence[Group], models: Sequence[ModelGroup]
) -> RollupRow:
    return RollupRow(
        org_id,
        seconds,
        bucket,
        version,
        **{name: sum(getattr(group, name) for group in groups) for name in _MEASURES},
        **{name: sum(getattr(group, name) for group in models) for name in _USAGE},
        users=sorted({group.user_id for group in groups if group.sessions}),
        groups=[group for group in _merged(groups, 4) if group.last_active_at],
        model_groups=[group for group in _merged(models, 5) if any(group[5:])],
    )


def _names(row: SessionRow | AmountsRow) -> tuple[str | None, str | None, str | None, str]:
    return row.project_id, row.repo, row.agent_name, row.user_id


def _started(session: SessionRow) -> Group:
    is_ended = session.ended_at is not None
    return Group(
        *_names(session),
        sessions=1,
        ended=int(is_ended),
        success=int(session.outcome == "success"),
        failure=int(session.outcome == "failure"),
        timeout=int(session.outcome == "timeout"),
        cancelled=int(session.outcome == "cancelled"),
        duration_ms=(session.duration_ms or 0) if is_ended else 0,
        events=session.events,
        last_active_at=session.started_at if session.last_event_at is None else session.last_event_at,
    )


def _happened(one: AmountsRow) -> Group:
    work = (one.lines_added, one.lines_removed, one.commits, one.pull_requests, one.active_ms)
    uses = [sum(tool.calls for tool in one.tools), sum(tool.errors for tool in one.tools)]
    tokens = [number for model in one.models for number in model[1:] if number]
    is_something = bool(tokens) or any(number != 0 for number in (one.prompts, *work, *uses))  # else it has no time
    return Group(
        *_names(one),
        prompts=one.prompts,
        tool_calls=sum(tool.calls for tool in one.tools),
        tool_errors=sum(tool.errors for tool in one.tools),
        lines_added=one.lines_added,
        lines_removed=one.lines_removed,
        commits=one.commits,
        pull_requests=one.pull_requests,
        active_ms=one.active_ms,
        last_active_at=one.bucket * 1000 if is_something else 0,
    )


def _merged(groups: Sequence[Any], names: int) -> list[Any]:
    """Return one group for each combination of names: the latest time, and the sums of everything else."""
    by_names: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for group in groups:
        by_names[group[:names]].append(group)
    return [_merge(by_names[key], names) for key in sorted(by_names, key=_nulls_last)]


def _merge(groups: Sequence[Any], names: int) -> Any:
    kind = type(groups[0])
    columns = zip(kind._fields[names:], list(zip(*groups, strict=True))[names:], strict=True)
    return kind(*groups[0][:names], *(max(some) if name == "last_active_at" else sum(some) for name, some in columns))


def _nulls_last(names: tuple[str | None, ...]) -> list[tuple[bool, str]]:
    return [(name is None, name or "") for name in names]
