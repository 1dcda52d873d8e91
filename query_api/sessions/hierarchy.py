"""The run of one session, with everything in it."""

from typing import Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from query_api.read_context import Reading
from query_api.sessions.runs import run_of
from query_api.sessions.session_access import visible_session
from query_api.sessions.session_filter import viewer_of
from query_api.sessions.task_tree import Hierarchy
from schemas.http.responses import Reply
from schemas.ids import IdSecrets


@get("/sessions/{session_id:str}/hierarchy", operation_id="GetHierarchy", guards=[may("session.read")])
async def get_hierarchy(
    session_id: FromPath[str],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    id_secrets: NamedDependency[IdSecrets],
    include: FromQuery[Literal["tools"] | None] = None,
) -> Response[Reply[Hierarchy]]:
    """The run that the session is of: its conversations, and in each its subagents and tasks.

    Uses of tools are added by ``include=tools``. What an agent did stands under it; a start without an end, an end
    without a start and a parent that is not known are shown all the same. A conversation shows 5,000 nodes at most
    (then it is ``truncated``), a run its first 1,000 conversations besides the one asked for; totals count all of them.
    """
    session = await visible_session(reading, principal, parse_id(session_id), id_secrets)
    run = await run_of(reading, viewer_of(principal), session, with_tools=include == "tools")
    return reading.reply(Hierarchy(run))
