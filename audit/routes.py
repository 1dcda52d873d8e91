"""The routes that check an installation: freshness, coverage, receipts, and a recount of its numbers.

Requests that recount or scan a table take turns in each process, because several at once would occupy every reader.
The background audit takes no turn, so it can't fail because another recount is running.
"""

from collections.abc import Sequence

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from audit.clients import show_clients
from audit.coverage import show_coverage
from audit.dead_letters import get_dead_letter, list_dead_letters
from audit.freshness import show_freshness
from audit.prices import list_loaded_prices
from audit.receipt import get_receipt
from audit.recount import Recount, Recounted
from audit.slices import days_asked
from audit.turns import OPERATOR_WAIT_S, RequestTurn, Turn, Turns
from edge.guards import may
from edge.principal import Caller
from ingest.body import Bodies
from query_api.app import OF_ORG, read_router
from query_api.read_context import Context, read_context_of
from schemas.http import fields
from schemas.http.responses import Reply

ORG_WAIT_S = 5.0
BUSY = "Other requests that read whole tables are in progress; send the same request again."
REQUEST_BYTES_MAX = 1 << 20  # total size of the bodies of operators' requests


_OF_ROLLUPS = {"context": read_context_of("rollups")}


@get("/recount", operation_id="RecountInstallation", guards=[may("operate")], dependencies=_OF_ROLLUPS)
async def recount_installation(
    context: Context,
    turn: Turn,
    start_date: FromQuery[fields.StartDate | None] = None,
    end_date: FromQuery[fields.EndDate | None] = None,
) -> Response[Reply[Recounted]]:
    """Recount every org's sessions from their facts and its rollups from the sessions, and list the differences."""
    recount = Recount(context, None, days_asked(start_date, end_date), fold_version=context.fold_version)
    async with turn.within(OPERATOR_WAIT_S):
        return context.reply_with_freshness(await recount.run())


@get("/recount", operation_id="RecountOrg", guards=[may("org.recount")], dependencies=_OF_ROLLUPS)
async def recount_org(
    context: Context,
    principal: Caller,
    turn: Turn,
    start_date: FromQuery[fields.StartDate | None] = None,
    end_date: FromQuery[fields.EndDate | None] = None,
) -> Response[Reply[Recounted]]:
    """Recount this org's sessions from their facts and its rollups from the sessions, and list the differences."""
    recount = Recount(context, principal.org_id, days_asked(start_date, end_date), fold_version=context.fold_version)
    async with turn.within(ORG_WAIT_S):
        return context.reply_with_freshness(await recount.run())


def operation_routes(jobs: Sequence[HTTPRouteHandler]) -> list[Router]:
    """Return the routes that check an installation, for operators and for each org. Those that scan take turns.

    ``jobs``: the handlers of operators' jobs, which have the same dependencies.
    """
    turns, bodies = Turns(1, BUSY), Bodies(REQUEST_BYTES_MAX)
    shared = {
        "context": read_context_of("tables"),
        "turn": Provide(lambda: RequestTurn(turns), sync_to_thread=False),
        "bodies": Provide(lambda: bodies, sync_to_thread=False),
    }
    checks = [show_freshness, show_coverage, show_clients, recount_installation]
    lists = [list_dead_letters, get_dead_letter, list_loaded_prices]
    return [
        read_router([*checks, *lists, *jobs], "/api/v1/operator", **shared),
        read_router([recount_org, get_receipt], f"{OF_ORG}/ops", **shared),
    ]
