"""Who may do what: one table, read by guards, by queries, and by the test that walks every route."""

from typing import Literal, get_args

Role = Literal["owner", "admin", "manager", "member", "viewer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
OPERATOR_ORG = "operator"  # reserved: the org of those who run the installation, which holds no sessions

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


def allows(role: Role, action: Action) -> bool:
    """Whether ``role`` may do ``action`` in its own org."""
    return action in ALLOWED[role]
