"""Answers whose time must not say what the store holds: they are given at one of few moments."""

import asyncio
from time import monotonic

CLASS_S = 0.05  # well above the time of a question about one row, so that nearly all such answers share one moment


async def end_of_class(began: float) -> None:
    """Wait until a multiple of `CLASS_S` has passed since ``began``, as of `time.monotonic`."""
    await asyncio.sleep((began - monotonic()) % CLASS_S)
