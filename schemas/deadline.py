"""A deadline that holds even if a call ignores its cancellation.

Some calls of aiokafka swallow a cancellation that arrives together with a time-out of their own, and may then wait
forever. `asyncio.timeout` and `asyncio.wait_for` would wait with them.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(limit_s: float, call: Coroutine[Any, Any, T]) -> T:
    """Return what ``call`` returns. After the limit it is cancelled but not waited for. Raises `TimeoutError` then."""
    task = asyncio.create_task(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    finally:
        if not task.done():
            task.add_done_callback(_look_at)
            task.cancel()
    if not done:
        raise TimeoutError(f"no answer within {limit_s:g} s")
    return task.result()


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Retrieve an exception that no caller waits for any more: asyncio would log it."""
    if not task.cancelled():
        task.exception()
