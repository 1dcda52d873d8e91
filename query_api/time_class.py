"""Delay responses whose time would reveal what the store holds: they leave at a multiple of one interval."""

import asyncio
from time import monotonic

CLASS_S = 0.05  # well above the time of a question about one row, so that nearly all of them leave after one interval


async def end_of_class(began: float) -> None:
    """Wait until a multiple of `CLASS_S` has passed since ``began``, as of `time.monotonic`."""
    await asyncio.sleep((began - monotonic()) % CLASS_S)
