"""Tokens and cost of a made-up session: running totals that only grow, as a client's meter reports them."""

from datetime import datetime
from random import Random
from typing import Any

from cli.demo.session_builder import instant

SUBAGENT_MODEL = "claude-haiku-4-5"
SUBAGENT_SHARE = 0.15
# Per event: input, output, cache read, cache creation.
TOKENS_PER_EVENT = (90, 160, 5_200, 420)
# US dollars per million tokens of input and of output; cache prices follow from the input price.
_PRICES = {"claude-haiku-4-5": (1, 5), "claude-sonnet-4-5": (3, 15), "claude-opus-4-5": (5, 25)}


class Meter:
    """Counts tokens and cost by model."""

    def __init__(self, rng: Random, model: str) -> None:
        self._rng = rng
        self._used = {model: [0, 0, 0, 0]}
        if model != SUBAGENT_MODEL and rng.random() < 0.4:
            self._used[SUBAGENT_MODEL] = [0, 0, 0, 0]
        self._with_cost = rng.random() < 0.7  # otherwise the price table sets the cost

    def count(self, events: int) -> None:
        """Add the usage of so many events."""
        for model, totals in self._used.items():
            share = SUBAGENT_SHARE if model == SUBAGENT_MODEL and len(self._used) > 1 else 1.0
            for kind, tokens in enumerate(TOKENS_PER_EVENT):
                totals[kind] += int(events * tokens * share * self._rng.uniform(0.6, 1.4))

    def report(self, at: datetime) -> dict[str, Any]:
        """Return the value of ``model_metrics`` as of ``at``."""
        models = [self._model(model, totals) for model, totals in self._used.items()]
        return {"models": models, "reported_at": instant(at)}

    def _model(self, model: str, totals: list[int]) -> dict[str, Any]:
        names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
        use: dict[str, Any] = {"model": model, **dict(zip(names, totals, strict=True))}
        if self._with_cost:
            into, out = _PRICES[model]
            weighted = totals[0] * into + totals[1] * out + totals[2] * into * 0.1 + totals[3] * into * 1.25
            use["cost_usd"] = round(weighted / 1e6, 6)
        return use
