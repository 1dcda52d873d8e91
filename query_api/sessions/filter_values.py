"""The values by which a list of sessions can be filtered."""

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from edge.guards import may
from edge.principal import Principal
from query_api.read_context import ReadContext
from query_api.visibility import sees_all, viewer_of
from schemas.http.responses import Reply
from store.reading.question import Question

VALUES_MAX = 1_000  # of each list


class ValuesOf(Struct, frozen=True):
    """The values in an org's sessions, or only in those of ``viewer_id``; up to ``limit_by`` for each list."""

    org_id: str
    viewer_id: str | None
    limit_by: int


class ValueRow(Struct, frozen=True):
    """A member of one of the lists `projects`, `repos`, `agents`, `users` and `models`."""

    list: str
    member: str


FILTER_VALUES = Question("query_api.sessions.filter_values", ValuesOf, ValueRow)


class FilterValues(Struct, frozen=True):
    """The values that occur, the most used first. ``users`` is empty if the caller may not see users' names."""

    projects: list[str]
    repos: list[str]
    agents: list[str]
    models: list[str]
    users: list[str]


@get("/sessions/filters", operation_id="ListFilterValues", guards=[may("session.read")])
async def list_filter_values(
    principal: NamedDependency[Principal], context: NamedDependency[ReadContext]
) -> Response[Reply[FilterValues]]:
    """List the values in the sessions that the caller may see: the 1,000 most used of each kind."""
    rows = await context.ask(FILTER_VALUES, ValuesOf(principal.org_id, viewer_of(principal), VALUES_MAX))
    values: dict[str, list[str]] = {name: [] for name in FilterValues.__struct_fields__}
    for row in rows:
        values[row.list].append(row.member)
    return context.reply(FilterValues(**values | ({} if sees_all(principal) else {"users": []})))
