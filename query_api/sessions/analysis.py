"""The analysis of one session."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from query_api.question import ANALYSIS, OneSession
from query_api.read_context import Reading
from query_api.sessions.session_access import visible_session
from schemas.findings import Findings
from schemas.http.responses import Reply, SessionAnalysis
from schemas.ids import IdSecrets

_findings: msgspec.json.Decoder[Findings] = msgspec.json.Decoder(Findings)


@get("/sessions/{session_id:str}/analysis", operation_id="GetAnalysis", guards=[may("session.read")])
async def get_analysis(
    session_id: FromPath[str],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    id_secrets: NamedDependency[IdSecrets],
) -> Response[Reply[SessionAnalysis]]:
    """What the analysis found after the end: `none` before it, `queued` until it is made, which takes about a second.

    It covers the events up to the session's latest end. Of a sensitive session it has numbers and times alone.
    """
    session = await visible_session(reading, principal, parse_id(session_id), id_secrets)
    if session.ended_at is None:
        return reading.reply(SessionAnalysis("none", None))
    rows = await reading.ask(ANALYSIS, OneSession(principal.org_id, session.id))
    if not rows:
        return reading.reply(SessionAnalysis("queued", None))
    return reading.reply(SessionAnalysis("done", _findings.decode(rows[0].findings)))
