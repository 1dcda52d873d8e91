"""Who may do what: one table, read by guards, by queries, and by the test that walks every route.

`ALLOWED` tells what a role may do in its own org, `ROUTES` which of these each route asks for, and what somebody finds
there who sees only their own sessions (a session is one's own if its ``user_id`` is the token's ``sub``).
"""

from typing import Literal, NamedTuple, get_args

Role = Literal["owner", "admin", "manager", "member", "viewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
OPERATOR_ORG = "operator"  # reserved: the org of those who run the installation, which holds no sessions
NAME_CHARACTERS_MAX = 200  # of an org, a user, and the id of a token

Action = Literal[
    "session.write",  # create, append events, report metrics, end, compact
    "session.read",  # list, get, events, hierarchy, threads, search, analysis, compactions, filters
    "session.read_all",  # … of everybody in the org, not only one's own; and names of people
    "analytics.read",  # org-wide numbers without names of people
    "analytics.by_user",  # by-user, and user_id filters other than oneself
    "receipt.read",
    "org.recount",
    "operate",  # the installation: freshness, coverage, recount of all orgs, dead letters, generations
]

_VIEWER: frozenset[Action] = frozenset({"session.read", "analytics.read", "receipt.read"})
_MEMBER: frozenset[Action] = _VIEWER | {"session.write"}
_MANAGER: frozenset[Action] = _MEMBER | {"session.read_all", "analytics.by_user"}
_ADMIN: frozenset[Action] = _MANAGER | {"org.recount"}

ALLOWED: dict[Role, frozenset[Action]] = {
    "owner": _ADMIN,
    "admin": _ADMIN,
    "manager": _MANAGER,
    "member": _MEMBER,
    "viewer": _VIEWER,
    "operator": frozenset({"operate"}),
}

Visibility = Literal[
    "all",  # the same for everybody who may: a write to a session whose id they know, totals, receipts
    "session",  # one session: somebody else's is not there (404), and nothing in the reply tells of it
    "sessions",  # several: those of others are left out, and nothing in the reply tells of them
    "no_names",  # numbers of the whole org, in which no user is named but oneself
]


class RoutePermission(NamedTuple):
    """What a route asks of its caller's role, and what a role without `session.read_all` finds there."""

    action: Action
    sees: Visibility = "all"


ROUTES: dict[str, RoutePermission] = {  # by operation id; a route without a row fails the test that walks them
    "CreateSession": RoutePermission("session.write"),
    "RecordEvents": RoutePermission("session.write"),
    "ChangeSession": RoutePermission("session.write"),
    "EndSession": RoutePermission("session.write"),
    "RequestCompaction": RoutePermission("session.write"),
    "ListSessions": RoutePermission("session.read", "sessions"),
    "SearchSessions": RoutePermission("session.read", "sessions"),
    "GetSession": RoutePermission("session.read", "session"),
    "ListCompactions": RoutePermission("session.read", "session"),
    "GetAnalysis": RoutePermission("session.read", "session"),
    "ListEvents": RoutePermission("session.read", "session"),
    "GetHierarchy": RoutePermission("session.read", "session"),
    "ListThreads": RoutePermission("session.read", "sessions"),
    "ListFilterValues": RoutePermission("session.read", "sessions"),
    "AnalyticsSummary": RoutePermission("analytics.read", "no_names"),
    "AnalyticsTimeseries": RoutePermission("analytics.read", "no_names"),
    "AnalyticsByAgent": RoutePermission("analytics.read", "no_names"),
    "AnalyticsCostBreakdown": RoutePermission("analytics.read", "no_names"),
    "AnalyticsTeamOverview": RoutePermission("analytics.read", "no_names"),
    "AnalyticsByUser": RoutePermission("analytics.by_user"),
    "GetReceipt": RoutePermission("receipt.read"),
    "RecountOrg": RoutePermission("org.recount"),
    "ShowFreshness": RoutePermission("operate"),
    "ShowCoverage": RoutePermission("operate"),
    "RecountInstallation": RoutePermission("operate"),
    "ListDeadLetters": RoutePermission("operate"),
    "GetDeadLetter": RoutePermission("operate"),
    "RedriveDeadLetter": RoutePermission("operate"),
}


def allows(role: Role, action: Action) -> bool:
    """Whether ``role`` may do ``action`` in its own org."""
    return action in ALLOWED[role]
