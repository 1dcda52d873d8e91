"""The digests of one session."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context, Paging, Secrets
from query_api.sessions.by_id import SessionOfOrg
from query_api.sessions.one import load_visible_session
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.times import instant
from store.reading.question import Question


class CompactionsPage(SessionOfOrg, frozen=True):
    limit: int
    offset: int


class RequestedDigestRow(Struct, frozen=True):
    """A request for a digest, the digest once it ``is_made``, and the number of all requests."""

    compaction_id: UUID
    requested_ms: int
    is_made: bool
    covered_events: int
    digest: str
    total_count: int


COMPACTIONS_PAGE = Question("query_api.sessions.compactions", CompactionsPage, RequestedDigestRow)


class Compaction(Struct, frozen=True):
    """A requested digest; its text and the events that it covers are null until it is done."""

    compaction_id: fields.CompactionId
    requested_at: Annotated[str, moment("Time at which the digest was requested.")]
    status: Annotated[str, doc("`queued` until the digest is made, then `done`.", values="done queued")]
    covered_events: Annotated[int | None, doc("Number of events before the request; null until `done`.", 99)]
    digest: Annotated[str | None, doc("Markdown, ready to start a new session with; null until `done`.", "# So far\n…")]


@get("/sessions/{session_id:str}/compactions", operation_id="ListCompactions", guards=[may("session.read")])
async def list_compactions(
    session_id: FromPath[str], principal: Caller, context: Context, id_secrets: Secrets, paging: Paging
) -> Response[Reply[list[Compaction]]]:
    """List the requested digests, newest first. A digest is `queued` until it is made, which takes about a second.

    A digest is extracted from the session's facts up to the request: prompts, the last answer, open tasks, failures,
    files touched, commands. The same facts always give the same digest. If it would be too long, the least important
    parts are left out, starting with files that were only read.
    """
    session = await load_visible_session(context, principal, session_id, id_secrets)
    params = CompactionsPage(principal.org_id, session.id, limit=paging.size, offset=paging.offset)
    rows, total = await context.ask_page(COMPACTIONS_PAGE, params)
    return context.reply([_compaction(row) for row in rows], paging.meta(total))


def _compaction(row: RequestedDigestRow) -> Compaction:
    requested_at = instant(row.requested_ms)
    if not row.is_made:
        return Compaction(row.compaction_id, requested_at, "queued", None, None)
    return Compaction(row.compaction_id, requested_at, "done", row.covered_events, row.digest)
