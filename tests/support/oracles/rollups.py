"""The rollups in plain Python: `rollup_hourly.sql` computes them from sessions, and `rollup_daily.sql` from hours."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from schemas.store.rows import DateTime, DateTime64, Int64, SessionRow, UInt64

BUCKETS = ("rollup_hourly", "rollup_daily")
OUTCOMES = ("success", "failure", "timeout", "cancelled")


class Group(NamedTuple):
    """The measures of sessions, by the dimensions used for filters and groups."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    sessions: UInt64
    ended: UInt64
    success: UInt64
    failure: UInt64
    timeout: UInt64
    cancelled: UInt64
    duration_ms: UInt64
    events: UInt64
    prompts: UInt64
    tool_calls: UInt64
    tool_errors: UInt64
    last_active_at: DateTime64


class ModelGroup(NamedTuple):
    """Tokens and money by the same dimensions, and by model."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    model: str
    sessions: UInt64
    input_tokens: UInt64
    output_tokens: UInt64
    cache_read_tokens: UInt64
    cache_creation_tokens: UInt64
    cache_creation_1h_tokens: UInt64
    cost_nano: Int64


class WorkGroup(NamedTuple):
    """Work by the same dimensions, for groups that have any."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    lines_added: UInt64
    lines_removed: UInt64
    commits: UInt64
    pull_requests: UInt64
    active_ms: UInt64


class RollupRow(Struct):
    """A bucket of `rollup_hourly` or `rollup_daily`, as in the database."""

    org_id: str
    bucket: DateTime
    version: UInt64
    sessions: UInt64
    ended: UInt64
    success: UInt64
    failure: UInt64
    timeout: UInt64
    cancelled: UInt64
    duration_ms: UInt64
    events: UInt64
    prompts: UInt64
    tool_calls: UInt64
    tool_errors: UInt64
    input_tokens: UInt64
    output_tokens: UInt64
    cache_read_tokens: UInt64
    cache_creation_tokens: UInt64
    cache_creation_1h_tokens: UInt64
    cost_nano: Int64
    users: list[str]
    groups: list[Group]
    model_groups: list[ModelGroup]
    lines_added: UInt64
    lines_removed: UInt64
    commits: UInt64
    pull_requests: UInt64
    active_ms: UInt64
    work_groups: list[WorkGroup]


_WORK = WorkGroup._fields[4:]
_MEASURES = Group._fields[4:-1]
_AMOUNTS = ModelGroup._fields[6:]


def rollup_of_sessions(org_id: str, hour: int, sessions: Iterable[SessionRow]) -> RollupRow | None:
    """Return an hour's bucket from the sessions that started in it, all of one org; None if there are none."""
    groups, model_groups, work_groups, version = [], [], [], 0
    for session in sessions:
        version += session.version
        names = (session.project_id, session.repo, session.agent_name, session.user_id)
        last_active_at = session.last_event_at or session.started_at
        groups.append(Group._make((*names, *_measures(session), last_active_at)))
        model_groups += [ModelGroup(*names, model.model, 1, *model[1:-1]) for model in session.models]
        work_groups.append(WorkGroup(*names, *(getattr(session, name) for name in _WORK)))
    return _row(org_id, hour, version, groups, model_groups, work_groups)


def rollup_of_hours(org_id: str, day: int, hours: Iterable[RollupRow]) -> RollupRow | None:
    """Return the bucket of a day, from its hours."""
    groups, model_groups, work_groups, version = [], [], [], 0
    for hour in hours:
        version += hour.version
        groups += hour.groups
        model_groups += hour.model_groups
        work_groups += hour.work_groups
    return _row(org_id, day, version, groups, model_groups, work_groups)


def _row(
    org_id: str,
    bucket: int,
    version: int,
    groups: Sequence[Group],
    model_groups: Sequence[ModelGroup],
    work_groups: Sequence[WorkGroup],
) -> RollupRow | None:
    if not groups:
        return None
    return RollupRow(
        org_id,
        bucket,
        version,
        **{name: sum(getattr(group, name) for group in groups) for name in _MEASURES},
        **{name: sum(getattr(group, name) for group in model_groups) for name in _AMOUNTS},
        users=sorted({group.user_id for group in groups}),
        groups=_merged(groups, 4),
        model_groups=_merged(model_groups, 5),
        **{name: sum(getattr(group, name) for group in work_groups) for name in _WORK},
        work_groups=[group for group in _merged(work_groups, 4) if any(group[4:])],
    )


def _measures(session: SessionRow) -> list[int]:
    ended = session.ended_at is not None
    outcomes = [int(session.outcome == outcome) for outcome in OUTCOMES]
    duration = (session.duration_ms or 0) if ended else 0
    counts = (session.events, session.prompts, session.tool_calls, session.tool_errors)
    return [1, int(ended), *outcomes, duration, *counts]


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
