"""Run one granian worker inside our event loop, so that a service is one process and leaves no orphans."""

import asyncio
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from runtime.tuning import connections_max, raise_open_files, tune_interpreter

HEADERS_WITHIN_MS = 15_000
READ_AHEAD_BYTES = 131_072  # of a connection, in addition to the body bytes that are counted
HTTP_DRAIN_S = 10.0
BACKLOG = 1_024


async def serve_http(app: Any, host: str, port: int, stopping: asyncio.Event, connections: int | None = None) -> None:
    """Serve an ASGI app until ``stopping`` is set; requests in progress are finished first.

    At most ``connections`` may be open at once; by default, as many as the limit of open files allows.

    Raises:
        OSError: the address is in use.
    """
    tune_interpreter()
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # clients behind the proxy need no more, and these limits apply to HTTP/1
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
