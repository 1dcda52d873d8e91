"""A proxy between one of our processes and Kafka or the store, which can simulate every network fault."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Literal

Fault = Literal["none", "refuse", "drop-reply"]
CHUNK = 1 << 16


class TcpProxy(contextlib.AbstractContextManager["TcpProxy"]):
    """Listens on a free port of 127.0.0.1 and forwards to ``port``, in its own thread."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._fault: Fault = "none"
        self._delay_s = 0.0
        self._passes = asyncio.Event()
        self._passes.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def heal(self) -> None:
        """Forward everything again; broken connections stay broken."""
        self._fault, self._delay_s = "none", 0.0
        self._loop.call_soon_threadsafe(self._passes.set)

    def cut(self) -> None:
        """Reset every open connection; new connections work."""
        self._run(self._cut())

    def refuse(self) -> None:
        """Reset every open connection, and every new one at once."""
        self._fault = "refuse"
        self.cut()

    def half_open(self) -> None:
        """Accept and keep all connections, but forward nothing in either direction."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def drop_reply(self) -> None:
        """Forward what clients send, drop the replies, and then cut the connection."""
        self._fault = "drop-reply"

    def delay(self, seconds: float) -> None:
        """Forward everything with a delay."""
        self._delay_s = seconds

    def close(self) -> None:
        """Close the proxy and its connections."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._fault == "refuse":
                return
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(upstream)
            forth = asyncio.create_task(self._forward(reader, upstream, reply=False))
            back = asyncio.create_task(self._forward(upstream_reader, writer, reply=True))
            _, rest = await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            self._abort(upstream)
        except OSError:
            return  # the target port is closed
        finally:
            self._abort(writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if reply and self._fault == "drop-reply":
                    return
                await self._passes.wait()
                writer.write(data)
                await writer.drain()

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        if writer.transport is not None:
            writer.transport.abort()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            self._abort(writer)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
