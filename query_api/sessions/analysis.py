"""The analysis of one session."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context, Secrets
from query_api.sessions.by_id import SessionOfOrg
from query_api.sessions.one import load_visible_session
from schemas.findings import Findings
from schemas.http.fields import doc
from schemas.http.responses import Reply
from store.reading.question import Question

_decode: msgspec.json.Decoder[Findings] = msgspec.json.Decoder(Findings)


class FindingsRow(Struct, frozen=True):
    """The findings, as JSON of `schemas.findings.Findings`."""

    findings: str


ANALYSIS = Question("query_api.sessions.analysis", SessionOfOrg, FindingsRow)


class SessionAnalysis(Struct, frozen=True):
    """The state of a session's analysis and, once it is done, what it found."""

    status: Annotated[str, doc("`none` before the end, `queued` until it is made.", values="done none queued")]
    findings: Annotated[Findings | None, doc("Findings as of the session's latest end; null until `done`.")]


@get("/sessions/{session_id:str}/analysis", operation_id="GetAnalysis", guards=[may("session.read")])
async def get_analysis(
    session_id: FromPath[str], principal: Caller, context: Context, id_secrets: Secrets
) -> Response[Reply[SessionAnalysis]]:
    """Return what the analysis found in an ended session.

    The status is `none` before the session ends, then `queued` until the analysis is made, which takes about a second.
    It covers the events up to the session's latest end. For a sensitive session it has only numbers and times.
    """
    session = await load_visible_session(context, principal, session_id, id_secrets)
    if session.ended_at is None:
        return context.reply(SessionAnalysis("none", None))
    rows = await context.ask(ANALYSIS, SessionOfOrg(principal.org_id, session.id))
    if not rows:
        return context.reply(SessionAnalysis("queued", None))
    return context.reply(SessionAnalysis("done", _decode.decode(rows[0].findings)))
