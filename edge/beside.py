"""Runs something beside a service, from its start to its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def beside(*runs: Callable[[], Coroutine[Any, Any, None]]) -> Lifespan:
    """Return a lifespan in which ``runs`` run at once; at its end they are cancelled."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(run()) for run in runs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    return lifespan
