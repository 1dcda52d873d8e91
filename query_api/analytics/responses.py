"""What the analytics reply with. Money is decimal here, and nowhere before; what counts nothing is null."""

from msgspec import Struct


class Summary(Struct, frozen=True):
    """Totals over the sessions that started in these days."""

    total_sessions: int
    active_sessions: int
    ended_sessions: int
    failed_sessions: int
    total_cost_usd: float
    total_tokens: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    avg_duration_seconds: float | None
    avg_cost_usd_per_session: float | None
    unique_users: int
    tool_calls: int
    tool_error_rate: float | None


class Period(Struct, frozen=True):
    """One metric in one hour, day or week."""

    period_start: str
    value: int | float


class AgentUse(Struct, frozen=True):
    """What one agent did; ``null`` is the name of the sessions without one."""

    agent_name: str | None
    sessions: int
    cost_usd: float
    tokens: int
    avg_duration_seconds: float | None
    users: int
    tool_error_rate: float | None
    cost_share: float | None


class ModelCost(Struct, frozen=True):
    """What was spent on one model; its sessions are those that used it."""

    model: str
    sessions: int
    cost_usd: float
    tokens: int
    cost_share: float | None


class ProjectCost(Struct, frozen=True):
    """What was spent in one project; ``null`` is the name of the sessions without one."""

    project_id: str | None
    sessions: int
    cost_usd: float
    tokens: int
    cost_share: float | None


class UserCost(Struct, frozen=True):
    """What one user spent."""

    user_id: str
    sessions: int
    cost_usd: float
    tokens: int
    cost_share: float | None


class CostBreakdown(Struct, frozen=True):
    """Each list adds up to the total; ``by_user`` of who may see no other names holds only themselves."""

    total_cost_usd: float
    by_model: list[ModelCost]
    by_project: list[ProjectCost]
    by_user: list[UserCost]


class UserUse(Struct, frozen=True):
    """What one user did, and with which agent most often."""

    user_id: str
    sessions: int
    cost_usd: float
    tokens: int
    avg_duration_seconds: float | None
    last_active_at: str
    top_agent: str | None


class Outcomes(Struct, frozen=True):
    """Sessions by how they ended; ``none``: they did not, or did not say."""

    success: int
    failure: int
    timeout: int
    cancelled: int
    none: int


class TeamPeriod(Struct, frozen=True):
    """What the team did in a period."""

    active_users: int
    sessions: int
    sessions_per_user: float | None
    cost_usd: float
    tokens: int
    outcomes: Outcomes


class TeamChange(Struct, frozen=True):
    """From the previous period to the current one: 0.12 is 12 % more, null where the previous one has nothing."""

    active_users: float | None
    sessions: float | None
    sessions_per_user: float | None
    cost_usd: float | None
    tokens: float | None


class TopAgent(Struct, frozen=True):
    """One of the agents with most sessions; ``null`` is the name of the sessions without one."""

    agent_name: str | None
    sessions: int
    cost_usd: float
    tokens: int


class TopProject(Struct, frozen=True):
    """One of the projects with most sessions; ``null`` is the name of the sessions without one."""

    project_id: str | None
    sessions: int
    cost_usd: float
    tokens: int


class TeamOverview(Struct, frozen=True):
    """The days asked for beside the equally long time before; ``busiest_hours[weekday][hour]`` counts starts in UTC."""

    current: TeamPeriod
    previous: TeamPeriod
    change: TeamChange
    top_agents: list[TopAgent]
    top_projects: list[TopProject]
    busiest_hours: list[list[int]]


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``, null where nothing counts."""
    return part / whole if whole else None


def seconds(total_ms: int, count: int) -> float | None:
    """The average of ``count`` durations, null without any."""
    return ratio(total_ms / 1000, count)
