"""What a list can be filtered by."""

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from edge.guards import may
from edge.principal import Principal
from query_api.question import FILTER_VALUES, ValuesThatOccur
from query_api.read_context import Reading
from query_api.sessions.session_filter import sees_all, viewer_of
from schemas.http.responses import Reply

VALUES_MAX = 1_000  # of each list


class FilterValues(Struct, frozen=True):
    """The values that occur, the most used first. ``users`` is empty for who may see no names of people."""

    projects: list[str]
    repos: list[str]
    agents: list[str]
    models: list[str]
    users: list[str]


@get("/sessions/filters", operation_id="ListFilterValues", guards=[may("session.read")])
async def list_filter_values(
    principal: NamedDependency[Principal], reading: NamedDependency[Reading]
) -> Response[Reply[FilterValues]]:
    """The values that occur in the sessions that the caller may see, the most used first, 1,000 of each at most."""
    rows = await reading.ask(FILTER_VALUES, ValuesThatOccur(principal.org_id, viewer_of(principal), VALUES_MAX))
    values: dict[str, list[str]] = {name: [] for name in FilterValues.__struct_fields__}
    for row in rows:
        values[row.list].append(row.member)
    return reading.reply(FilterValues(**values | ({} if sees_all(principal) else {"users": []})))
