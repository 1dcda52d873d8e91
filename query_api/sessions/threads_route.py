"""The threads of an org."""

from litestar import Response, get
from litestar.di import NamedDependency

from edge.guards import may
from edge.principal import Principal
from query_api.paging import Page
from query_api.question import THREADS_PAGE, Matching, ThreadsPage
from query_api.read_context import Reading
from query_api.sessions.session_filter import narrowed, viewer_of
from query_api.sessions.threads import Thread, whole_threads
from schemas.http.responses import Reply


@get("/sessions/threads", operation_id="ListThreads", guards=[may("session.read")])
async def list_threads(
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    matching: NamedDependency[Matching],
    paging: NamedDependency[Page],
) -> Response[Reply[list[Thread]]]:
    """Conversations that continue one another, the thread with the latest activity first.

    A thread is shown whole if one of its conversations matches the filters.
    """
    viewer_id = viewer_of(principal)
    question = narrowed(ThreadsPage, matching, viewer_id=viewer_id, limit=paging.size, offset=paging.offset)
    found, total = await reading.page(THREADS_PAGE, question)
    threads = await whole_threads(reading, principal.org_id, viewer_id, found)
    return reading.reply(threads, paging.meta(total))
