"""The read side as routes and dependencies, and as a service of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import time
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide

from edge.authentication import TokenVerifier
from edge.health import Readiness
from edge.service import Lifespan, build_service
from query_api.errors import EXCEPTION_HANDLERS
from query_api.event_filters import provide_event_filters
from query_api.freshness import Freshness
from query_api.freshness_header import stamp_replies
from query_api.read_context import provide_reading
from query_api.reader import Reader
from query_api.routes.analysis import get_analysis
from query_api.routes.by_agent import by_agent
from query_api.routes.by_user import by_user
from query_api.routes.compactions import list_compactions
from query_api.routes.cost_breakdown import cost_breakdown
from query_api.routes.events import list_events
from query_api.routes.filters import list_filter_values
from query_api.routes.hierarchy import get_hierarchy
from query_api.routes.search import search_sessions
from query_api.routes.session import get_session
from query_api.routes.sessions import list_sessions
from query_api.routes.summary import summary
from query_api.routes.team_overview import team_overview
from query_api.routes.threads import list_threads
from query_api.routes.timeseries import timeseries
from query_api.selection import provide_selection
from query_api.session_filters import provide_matching, provide_page
from schemas.ids import IdSecrets
from store.errors import StoreUnavailable

Clock = Callable[[], float]  # seconds since 1970
READY_WITHIN_S = 1.0


def query_routes() -> list[Router]:
    """Everything that is read, under ``/api/v1/<org>``."""
    return [
        Router(
            "/api/v1/{org_id:str}",
            route_handlers=[
                *(list_sessions, search_sessions, list_threads, list_filter_values),
                *(get_session, list_events, get_hierarchy),
                *(list_compactions, get_analysis),
                *(summary, timeseries, by_agent, cost_breakdown, by_user, team_overview),
            ],
            dependencies={
                "reading": Provide(provide_reading),
                "matching": Provide(provide_matching, sync_to_thread=False),
                "paging": Provide(provide_page, sync_to_thread=False),
                "event_filters": Provide(provide_event_filters, sync_to_thread=False),
                "selection": Provide(provide_selection, sync_to_thread=False),
            },
            exception_handlers=EXCEPTION_HANDLERS,
            middleware=[stamp_replies],
        )
    ]


def query_dependencies(
    reader: Reader, id_secrets: IdSecrets, clock: Clock = time, freshness: Freshness | None = None
) -> dict[str, Provide]:
    """What the routes need of the process they run in; ``clock`` tells which day is today."""
    looks = freshness or Freshness(reader)
    return {
        "reader": _shared(reader),
        "freshness": _shared(looks),
        "id_secrets": _shared(id_secrets),
        "today": _shared(lambda: datetime.fromtimestamp(clock(), UTC).date()),
    }


def store_readiness(probe: Reader) -> Readiness:
    """For ``/readyz``: whether the store says within a second which generation is live."""

    async def ready() -> Mapping[str, bool]:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await probe.live()
        except (StoreUnavailable, TimeoutError):
            return {"store": False}
        return {"store": True}

    return ready


def build_query_api(
    reader: Reader, id_secrets: IdSecrets, verifier: TokenVerifier, lifespan: Sequence[Lifespan] = (), **options: Any
) -> Litestar:
    """The read side alone; ``options`` go to `build_service`."""
    return build_service(
        query_routes(),
        query_dependencies(reader, id_secrets),
        verifier,
        store_readiness(reader),
        lifespan,
        **options,
    )


def _shared(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
