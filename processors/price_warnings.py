"""Logs a warning that clients pay prices other than those of the list: once an hour for each price."""

import time
from collections.abc import Callable, Mapping

import structlog

EVERY_S = 3_600.0
logger = structlog.get_logger()


class PriceWarnings:
    """Remembers which prices it warned of recently; there are at most as many as the list has."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._named_at: dict[str, float] = {}

    def note(self, disagreeing: Mapping[str, int]) -> None:
        """Warn of the prices with which requests disagreed."""
        now = self._clock()
        for model, requests in disagreeing.items():
            if now - self._named_at.get(model, float("-inf")) >= EVERY_S:
                self._named_at[model] = now
                logger.warning(
                    "price_disagrees",
                    model=model,
                    requests=requests,
                    what_to_do="clients give other costs than the price list: check it, and load the current prices "
                    "with `crewkit-sessions prices load`",
                )
