"""The permissions of all roles and routes: one table for guards, queries, and the test that walks every route.

`ALLOWED` lists the actions of a role in its own org. `ROUTES` lists the action that each route requires, and what the
route shows to users who see only their own sessions (a user owns a session if its ``user_id`` is the token's ``sub``).
"""

from typing import Literal, NamedTuple, get_args

Role = Literal["owner", "admin", "manager", "member", "viewer", "agent", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
OPERATOR_ORG = "operator"  # reserved for operators of the installation; this org has no sessions
NAME_CHARACTERS_MAX = 200  # of the names of orgs and users, and of token ids

Action = Literal[
    "session.write",  # create, append events, report metrics, end, compact; the agent endpoints
    "session.read",  # list, get, events, hierarchy, threads, search, analysis, spend, compactions, filters
    "session.read_all",  # sessions of all users of the org, and user names
    "analytics.read",  # org-wide numbers without user names, and prices
    "analytics.by_user",  # by-user, and filters by other users
    "receipt.read",  # of positions of the user's own records
    "receipt.read_all",  # of all positions of the org
    "org.recount",
    "erase",  # sessions of the org, for good
    "erase.org",  # all of the org
    "erase.now",  # without the day in which nothing is swept yet
    "operate",  # the installation: freshness, coverage, recount of all orgs, dead letters, generations, prices
]

_VIEWER: frozenset[Action] = frozenset({"session.read", "analytics.read", "receipt.read", "receipt.read_all"})
_MEMBER: frozenset[Action] = _VIEWER | {"session.write"}
_MANAGER: frozenset[Action] = _MEMBER | {"session.read_all", "analytics.by_user"}
_ADMIN: frozenset[Action] = _MANAGER | {"org.recount", "erase"}

ALLOWED: dict[Role, frozenset[Action]] = {
    "owner": _ADMIN | {"erase.org", "erase.now"},
    "admin": _ADMIN,
    "manager": _MANAGER,
    "member": _MEMBER,
    "viewer": _VIEWER,
    "agent": frozenset({"session.write", "receipt.read"}),
    "operator": frozenset({"operate"}),
}

Visibility = Literal[
    "all",  # the same for every allowed role: writes to a session with a known id, totals, receipts
    "session",  # one session: another user's is a 404, and the response does not reveal it
    "sessions",  # several sessions: those of other users are left out, and the response does not reveal them
    "no_names",  # numbers of the whole org, which name no user except the caller
]


class RoutePermission(NamedTuple):
    """The action that a route requires, and what it shows to roles without `session.read_all`."""

    action: Action
    sees: Visibility = "all"


_BY_PERMISSION = {  # the operation ids of the routes; a test requires each route here
    RoutePermission("session.write"): """
        CreateSession RecordEvents ChangeSession EndSession RequestCompaction RecordHooks ExportLogs ExportMetrics
        ExportTraces
        """,
    RoutePermission("session.read", "sessions"): """
        ListSessions ListLiveSessions SearchSessions ListThreads ListFilterValues
        """,
    RoutePermission("session.read", "session"): """
        GetSession GetSpend ListCompactions GetAnalysis ListEvents GetHierarchy
        """,
    RoutePermission("analytics.read", "no_names"): """
        AnalyticsSummary AnalyticsTimeseries AnalyticsByAgent AnalyticsByTool AnalyticsCostBreakdown
        AnalyticsTeamOverview
        """,
    RoutePermission("analytics.read", "sessions"): "AnalyticsToolErrors",
    RoutePermission("analytics.read"): "GetPrices",
    RoutePermission("analytics.by_user"): "AnalyticsByUser",
    RoutePermission("receipt.read"): "GetReceipt",
    RoutePermission("org.recount"): "RecountOrg",
    RoutePermission("erase"): """
        RequestErasure ListErasures GetErasure GetErasureCertificate PreviewErasure ListPositionsToErase
        """,
    RoutePermission("operate"): """
        ShowFreshness ShowCoverage ShowClients RecountInstallation ListDeadLetters GetDeadLetter RedriveDeadLetter
        ListPrices CreateJob ListJobs GetJob RequestWork ListRequests GetRequest ListGenerations GetProof
        """,
}
ROUTES = {route: permission for permission, routes in _BY_PERMISSION.items() for route in routes.split()}


def allows(role: Role, action: Action) -> bool:
    """Return whether ``role`` may do ``action`` in its own org."""
    return action in ALLOWED[role]
