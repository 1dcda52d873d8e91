"""One granian worker inside our own event loop, so that a process is one pid and nothing is orphaned when it dies."""

import asyncio
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from runtime.tuning import connections_max, raise_open_files, tune_interpreter

HEADERS_WITHIN_MS = 15_000
READ_AHEAD_BYTES = 131_072  # of a connection; what a slow body holds beside what is counted
DRAIN_S = 10.0
BACKLOG = 1_024


async def serve_http(app: Any, host: str, port: int, stopping: asyncio.Event, connections: int | None = None) -> None:
    """Serve an ASGI app until ``stopping`` is set; requests under way are finished first.

    ``connections`` may be open at once, by default as many as the process can have files open.

    Raises:
        OSError: when the address is taken.
    """
    tune_interpreter()
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # no client needs more behind the proxy, and its limits are those of HTTP/1
        websockets=False,
        backlog=BACKLOG,
        backpressure=connections or connections_max(raise_open_files()),  # idle ones too; by default as many as wait
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=READ_AHEAD_BYTES),
        log_level=LogLevels.error,
    )
    serving = asyncio.ensure_future(server.serve())
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        server.stop()
        await asyncio.wait({serving}, timeout=DRAIN_S)
    if serving.done():
        serving.result()
