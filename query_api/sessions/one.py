"""One session."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from query_api.read_context import Reading
from query_api.sessions.session_access import visible_session
from schemas.http.responses import Reply, Session
from schemas.ids import IdSecrets


@get("/sessions/{session_id:str}", operation_id="GetSession", guards=[may("session.read")])
async def get_session(
    session_id: FromPath[str],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    id_secrets: NamedDependency[IdSecrets],
) -> Response[Reply[Session]]:
    """The whole session. One that was just created is waited for, 2 s at most."""
    return reading.reply(await visible_session(reading, principal, parse_id(session_id), id_secrets))
