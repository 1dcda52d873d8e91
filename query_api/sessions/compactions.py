"""The digests of one session."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from query_api.paging import Page
from query_api.question import COMPACTIONS_PAGE, CompactionRow, CompactionsPage
from query_api.read_context import Reading
from query_api.sessions.session_access import visible_session
from schemas.http.responses import Compaction, Reply, instant
from schemas.ids import IdSecrets


@get("/sessions/{session_id:str}/compactions", operation_id="ListCompactions", guards=[may("session.read")])
async def list_compactions(
    session_id: FromPath[str],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    id_secrets: NamedDependency[IdSecrets],
    paging: NamedDependency[Page],
) -> Response[Reply[list[Compaction]]]:
    """The digests that were asked for, newest first; one is `queued` until it is made, which takes about a second.

    A digest is extracted from the session's facts up to the request, the same whenever it is made: prompts, the last
    answer, open tasks, failures, files touched, commands. What does not fit into its length is left out by rank, files
    that were only read first.
    """
    session = await visible_session(reading, principal, parse_id(session_id), id_secrets)
    question = CompactionsPage(principal.org_id, session.id, limit=paging.size, offset=paging.offset)
    rows, total = await reading.page(COMPACTIONS_PAGE, question)
    return reading.reply([_compaction(row) for row in rows], paging.meta(total))


def _compaction(row: CompactionRow) -> Compaction:
    requested_at = instant(row.requested_ms)
    if not row.is_made:
        return Compaction(row.compaction_id, requested_at, "queued", None, None)
    return Compaction(row.compaction_id, requested_at, "done", row.covered_events, row.digest)
