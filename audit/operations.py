"""Checking the installation: how fresh it is, whether every position has its receipt, whether all numbers are right."""

from datetime import date
from time import monotonic

from litestar import Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from audit.coverage import GAPS_MAX, Coverage, coverage_of
from audit.dead_letters_route import get_dead_letter, list_dead_letters
from audit.freshness import InstallationFreshness, freshness_of
from audit.questions import COVERAGE, FRESHNESS_BY_PARTITION, RECEIPT, GapsUpTo, PositionOfOrg
from audit.receipt import Receipt, receipt_of
from audit.recount import Recount, Recounted
from audit.slices import days_asked
from audit.turns import OPERATOR_WAIT_S, ORG_WAIT_S, RecountTurns
from edge.guards import may
from edge.path_params import parse_position
from edge.principal import Principal
from query_api.errors import EXCEPTION_HANDLERS
from query_api.freshness_header import stamp_replies
from query_api.question import NoParams
from query_api.read_context import Reading, provide_reading
from query_api.sessions.session_filter import provide_page
from query_api.time_class import end_of_class
from schemas.http.responses import Reply


@get("/freshness", operation_id="ShowFreshness", guards=[may("operate")])
async def show_freshness(reading: NamedDependency[Reading]) -> Response[Reply[InstallationFreshness]]:
    """How far each partition of the log is projected, and up to when everything accepted is visible."""
    return reading.reply(freshness_of(await reading.ask(FRESHNESS_BY_PARTITION, NoParams())))


@get("/coverage", operation_id="ShowCoverage", guards=[may("operate")])
async def show_coverage(reading: NamedDependency[Reading]) -> Response[Reply[Coverage]]:
    """Whether every position of the log up to the projected end has its receipt; gaps are listed."""
    progress = await reading.ask(FRESHNESS_BY_PARTITION, NoParams())  # first: what is claimed has its receipts by then
    return reading.reply(coverage_of(progress, await reading.ask(COVERAGE, GapsUpTo(GAPS_MAX))))


@get("/recount", operation_id="RecountInstallation", guards=[may("operate")])
async def recount_installation(
    reading: NamedDependency[Reading],
    recounts: NamedDependency[RecountTurns],
    start_date: FromQuery[date | None] = None,
    end_date: FromQuery[date | None] = None,
) -> Response[Reply[Recounted]]:
    """Every org's sessions recounted from their facts, and rollups from the sessions; differences are listed."""
    recount = Recount(reading, None, days_asked(start_date, end_date))
    async with recounts.turn(OPERATOR_WAIT_S):
        return reading.analytics(await recount.run())


@get("/recount", operation_id="RecountOrg", guards=[may("org.recount")])
async def recount_org(
    reading: NamedDependency[Reading],
    principal: NamedDependency[Principal],
    recounts: NamedDependency[RecountTurns],
    start_date: FromQuery[date | None] = None,
    end_date: FromQuery[date | None] = None,
) -> Response[Reply[Recounted]]:
    """This org's sessions recounted from their facts, and rollups from the sessions; differences are listed."""
    recount = Recount(reading, principal.org_id, days_asked(start_date, end_date))
    async with recounts.turn(ORG_WAIT_S):
        return reading.analytics(await recount.run())


@get("/receipts/{position:str}", operation_id="GetReceipt", guards=[may("receipt.read")])
async def get_receipt(
    position: FromPath[str], reading: NamedDependency[Reading], principal: NamedDependency[Principal]
) -> Response[Reply[Receipt]]:
    """What became of a position that a write of this org answered with: projected, dead or still waiting.

    Any other position of the log is `waiting`, and stays so: those of other orgs, and those that are not written yet.
    """
    began, asked = monotonic(), parse_position(position)
    partitions = len(await reading.ask(FRESHNESS_BY_PARTITION, NoParams()))
    rows = await reading.ask(RECEIPT, PositionOfOrg(principal.org_id, asked.partition, asked.offset))
    receipt = receipt_of(asked, partitions, rows)
    if not rows:
        await end_of_class(began)
    return reading.reply(receipt)


def operation_routes() -> list[Router]:
    """The routes that check an installation, for operators and for each org. Recounts of all of them take turns."""
    turns = RecountTurns()
    return [
        Router(
            path,
            route_handlers=handlers,
            dependencies={
                "reading": Provide(provide_reading),
                "paging": Provide(provide_page, sync_to_thread=False),
                "recounts": Provide(lambda: turns, sync_to_thread=False),
            },
            exception_handlers=EXCEPTION_HANDLERS,
            middleware=[stamp_replies],
        )
        for path, handlers in (
            (
                "/api/v1/operator",
                [show_freshness, show_coverage, recount_installation, list_dead_letters, get_dead_letter],
            ),
            ("/api/v1/{org_id:str}/ops", [recount_org, get_receipt]),
        )
    ]
