"""Delays responses whose timing would reveal what the store contains: each leaves at a multiple of one interval."""

import asyncio
from time import monotonic

CLASS_S = 0.05  # a question about one row takes much less, so nearly all responses leave after one interval


async def end_of_class(began: float) -> None:
    """Wait until a multiple of `CLASS_S` has passed since ``began``, as of `time.monotonic`."""
    await asyncio.sleep((began - monotonic()) % CLASS_S)
