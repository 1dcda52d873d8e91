"""The routes of the read side, their dependencies, and the readiness check."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import time
from typing import Any

from litestar import Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from edge.health import Readiness
from query_api.analytics.by_agent import list_by_agent
from query_api.analytics.by_tool import list_by_tool
from query_api.analytics.by_user import list_by_user
from query_api.analytics.cost_breakdown import get_cost_breakdown
from query_api.analytics.filter import provide_analytics_filter
from query_api.analytics.summary import get_summary
from query_api.analytics.team_overview import get_team_overview
from query_api.analytics.timeseries import get_timeseries
from query_api.analytics.tool_errors import list_tool_errors
from query_api.answers import Answers
from query_api.erasure.certificate import get_erasure_certificate
from query_api.erasure.one import get_erasure
from query_api.erasure.preview import list_positions_to_erase, preview_erasure
from query_api.erasures import list_erasures
from query_api.error_responses import EXCEPTION_HANDLERS
from query_api.freshness import Freshness, freshness_header
from query_api.prices import get_prices
from query_api.read_context import provide_page, read_context_of
from query_api.sessions.analysis import get_analysis
from query_api.sessions.compactions import list_compactions
from query_api.sessions.events import list_events, provide_event_filter
from query_api.sessions.filter_values import list_filter_values
from query_api.sessions.hierarchy import get_hierarchy
from query_api.sessions.history import History
from query_api.sessions.list import list_sessions
from query_api.sessions.live import list_live_sessions
from query_api.sessions.one import get_session
from query_api.sessions.search import search_sessions
from query_api.sessions.session_filter import provide_session_filter
from query_api.sessions.spend import get_spend
from query_api.sessions.threads import list_threads
from schemas.ids import IdSecrets
from store.errors import StoreUnavailable
from store.reading.reader import Reader

READY_WITHIN_S = 1.0
OF_ORG = "/api/v1/{org_id:str}"


def query_routes() -> list[Router]:
    """Return the read routes under ``/api/v1/<org>``: lists, single sessions, and analytics (mostly from the rollups).

    Clients poll for a new session until it appears, so answers about a single session are not cached.
    """
    return [
        read_router(
            [list_sessions, search_sessions, list_threads],
            context=read_context_of("tables", remembered=True),
            session_filter=Provide(provide_session_filter, sync_to_thread=False),
        ),
        read_router(
            [get_session, list_events, get_hierarchy, list_compactions, get_analysis, get_spend],
            context=read_context_of("tables"),
            event_filter=Provide(provide_event_filter, sync_to_thread=False),
        ),
        read_router(
            [list_erasures, get_erasure, get_erasure_certificate, preview_erasure, list_positions_to_erase],
            context=read_context_of("tables"),
        ),
        read_router([get_prices, list_live_sessions], context=read_context_of("tables", remembered=True)),
        read_router(
            [list_by_tool, list_tool_errors],
            context=read_context_of("tables", remembered=True),
            analytics_filter=Provide(provide_analytics_filter, sync_to_thread=False),
        ),
        read_router(
            [
                *(list_filter_values, get_summary, get_timeseries),
                *(list_by_agent, get_cost_breakdown, list_by_user, get_team_overview),
            ],
            context=read_context_of("rollups", remembered=True),
            analytics_filter=Provide(provide_analytics_filter, sync_to_thread=False),
        ),
    ]


def read_router(handlers: Sequence[HTTPRouteHandler], path: str = OF_ORG, **dependencies: Provide) -> Router:
    """Return a router whose routes page their lists, say how fresh they are, and respond to errors of the store."""
    return Router(
        path,
        route_handlers=handlers,
        dependencies={"paging": Provide(provide_page, sync_to_thread=False), **dependencies},
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[freshness_header],
    )


def query_dependencies(
    reader: Reader,
    id_secrets: IdSecrets,
    history: History,
    clock: Callable[[], float] = time,
    freshness: Freshness | None = None,
    answers: Answers | None = None,
) -> dict[str, Provide]:
    """Return what the routes need from their process; ``clock`` (s since 1970) determines the current time and day."""
    return {
        "reader": _shared(reader),
        "freshness": _shared(freshness or Freshness(reader)),
        "answers": _shared(answers or Answers()),
        "id_secrets": _shared(id_secrets),
        "history": _shared(history),
        "now": _shared(clock),
        "today": _shared(lambda zone: datetime.fromtimestamp(clock(), zone).date()),
    }


def store_readiness(probe: Reader) -> Readiness:
    """Return the check for ``/readyz``: whether the store returns the live generation within a second."""

    async def ready() -> Mapping[str, bool]:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await probe.live()
        except (StoreUnavailable, TimeoutError):
            return {"store": False}
        return {"store": True}

    return ready


def _shared(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
