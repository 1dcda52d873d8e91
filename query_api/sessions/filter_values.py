"""The values by which a list of sessions can be filtered."""

from typing import Annotated

from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context
from query_api.visibility import sees_all, viewer_of
from schemas.http.fields import doc
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

    projects: Annotated[list[str], doc("Projects of the org, most used first.", ["prj_1"])]
    repos: Annotated[list[str], doc("Repositories of the org, most used first.", ["acme/backend"])]
    agents: Annotated[list[str], doc("Agents of the org, most used first.", ["reviewer"])]
    models: Annotated[list[str], doc("Models of the org, most used first.", ["claude-sonnet-4-5"])]
    users: Annotated[list[str], doc("Users of the org, most active first; empty for members and viewers.", ["alice"])]


@get("/sessions/filters", operation_id="ListFilterValues", guards=[may("session.read")])
async def list_filter_values(principal: Caller, context: Context) -> Response[Reply[FilterValues]]:
    """List the values in the sessions that the caller may see: the 1,000 most used of each kind."""
    rows = await context.ask(FILTER_VALUES, ValuesOf(principal.org_id, viewer_of(principal), VALUES_MAX))
    values: dict[str, list[str]] = {name: [] for name in FilterValues.__struct_fields__}
    for row in rows:
        values[row.list].append(row.member)
    return context.reply(FilterValues(**values | ({} if sees_all(principal) else {"users": []})))
