"""Which of the two HTTP services answers which request: a proxy must send each to the right one."""

from pathlib import Path
from typing import NamedTuple, cast

from litestar.routes import HTTPRoute

from runtime.services.http_services import service
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.settings import Settings
from store.reading.reader import Reader
from tests.support.fakes.log import FakeEventLog

INGEST, QUERY_API = "ingest", "query-api"
INSIDE = ("/livez", "/readyz", "/metrics")


class Request(NamedTuple):
    """A request, and the service that answers it."""

    method: str
    path: str
    side: str


def requests_of_the_api(folder: Path) -> list[Request]:
    """Return one request for each route of both services, derived from the routes; ``folder`` is for secrets."""
    settings = Settings(data=str(folder), dev_tokens=True, admin_port=1)
    make_embedded_secrets(settings.secrets_folder)
    apps = {
        INGEST: service(settings, FakeEventLog(), None),
        QUERY_API: service(settings, None, cast(Reader, object())),  # nothing is asked
    }
    return [
        Request(method, _filled(route.path_format), side)
        for side, app in apps.items()
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/schema")
        for method in route.route_handler_map
        if method != "OPTIONS"
    ]


def _filled(path: str) -> str:
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))
