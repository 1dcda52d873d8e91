"""Runs one granian worker inside our event loop, so that a service is one process and leaves no orphans."""

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from runtime.services.tuning import connections_max, raise_open_files, tune_interpreter
from runtime.settings.settings import Settings

if TYPE_CHECKING:
    from edge.outermost import App
    from edge.starting import Front

HEADERS_WITHIN_MS = 15_000
READ_AHEAD_BYTES = 131_072  # per connection, in addition to the body bytes that are counted
HTTP_DRAIN_S = 10.0
BACKLOG = 1_024
ADMIN_CONNECTIONS_MAX = 128


async def serve_http(
    app: Any,
    host: str,
    port: int,
    stopping: asyncio.Event,
    connections: int | None = None,
    *,
    lifespan: bool = True,
) -> None:
    """Serve an ASGI app until ``stopping`` is set, then finish the requests in progress.

    At most ``connections`` may be open at once; by default, as many as the limit of open files allows. With
    ``lifespan``, the app gets lifespan messages. Raises `OSError`: the address is in use.
    """
    tune_interpreter()
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI if lifespan else Interfaces.ASGINL,
        http=HTTPModes.http1,  # enough behind a proxy, and these limits apply to HTTP/1
        websockets=False,
        backlog=BACKLOG,
        backpressure=connections or connections_max(raise_open_files()),  # includes idle connections
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=READ_AHEAD_BYTES),
        log_level=LogLevels.error,
    )
    serving = asyncio.ensure_future(server.serve())
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        server.stop()
        await asyncio.wait({serving}, timeout=HTTP_DRAIN_S)
    if serving.done():
        serving.result()


async def serve(app: "App | Front", settings: Settings, stopping: asyncio.Event, *, lifespan: bool = True) -> None:
    """Serve the API, and health and metrics at the admin address if there is one, until ``stopping`` is set."""
    parts = [serve_http(app, settings.host, settings.port, stopping, lifespan=lifespan)]
    if app.internal is not None and settings.admin_address is not None:
        admin = settings.admin_address
        parts.append(serve_http(app.internal, *admin, stopping, ADMIN_CONNECTIONS_MAX, lifespan=lifespan))
    serving = [asyncio.ensure_future(part) for part in parts]
    for part in serving:
        part.add_done_callback(lambda _: stopping.set())  # when one ends, the other ends
    await asyncio.gather(*serving)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
