"""What a session's requests to models cost: as its client reported it, and as measured request by request."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from prices.price_list import PriceList
from processors.fold.state import SessionState, Spent
from processors.fold.usage import HOUR_MS, PRICED
from schemas.log.records import ModelUsage
from schemas.models import canonical_model
from schemas.store.rows import AgentTotals, ModelTotals

AGENTS_MAX = 200  # in a row; the others are summed
OTHERS = "others"
_ADDED = ModelTotals._fields[1:-1]


def reported_totals(state: SessionState, prices: PriceList) -> list[ModelTotals]:
    """Return the latest report, one entry per model. Usage without a model belongs to the session's own model."""
    if state.report is None:
        return []
    reported_at = state.report.reported_at
    at_ms = state.report_received_at if reported_at is None else min(reported_at, state.report_received_at)
    return by_model(_reported(usage, state.model or "", prices, at_ms) for usage in state.report.models)


def counts_before(reported: Sequence[ModelTotals], measured: Sequence[ModelTotals], *, is_incomplete: bool) -> bool:
    """Return whether the report counts instead of what was measured. Of two lower bounds, the higher one is closer."""
    return bool(reported) and (not is_incomplete or _all_tokens(reported) > _all_tokens(measured))


class MeasuredSum(NamedTuple):
    """Requests of one agent to one model, priced."""

    agent_id: str
    requests: int
    totals: ModelTotals


def measured_sums(state: SessionState, prices: PriceList) -> list[MeasuredSum]:
    """Return the sums of the ledger, each with what it costs."""
    return [MeasuredSum(key[1], spent.requests, _priced(key, spent, prices)) for key, spent in state.spent.items()]


def agent_totals(state: SessionState, sums: Iterable[MeasuredSum]) -> list[AgentTotals]:
    """Return the sums of the requests by agent, the main one first."""
    totals: dict[str, AgentTotals] = {}
    for agent_id, requests, one in sorted(sums, key=attrgetter("agent_id")):
        if agent_id not in totals and len(totals) >= AGENTS_MAX:
            agent_id = OTHERS
        known = state.agents.get(agent_id)
        before = totals.get(agent_id) or AgentTotals(agent_id, known.agent_type if known else "", 0, 0, 0)
        totals[agent_id] = before._replace(
            requests=before.requests + requests,
            tokens=before.tokens + _all_tokens([one]),
            cost_nano=before.cost_nano + one.cost_nano,
        )
    return list(totals.values())


def _all_tokens(totals: Iterable[ModelTotals]) -> int:
    return sum(
        one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_creation_tokens for one in totals
    )


def _reported(usage: ModelUsage, own_model: str, prices: PriceList, at_ms: int) -> ModelTotals:
    model = usage.model if usage.model is not None else own_model
    cost_nano, source = usage.cost_nano, "reported"
    if cost_nano is None:
        cost_nano = prices.cost_nano(model, usage, at_ms)
        source = "unknown" if cost_nano is None else "priced"
    return ModelTotals(canonical_model(model), *_tokens(usage), cost_nano or 0, source)


def _priced(key: tuple[str, str, int], spent: Spent, prices: PriceList) -> ModelTotals:
    """Return one sum. It costs what the client gave, else what the list says for that hour."""
    model, _, hour = key
    name = canonical_model(model)
    if hour == PRICED:
        return ModelTotals(name, *_tokens(spent), spent.cost_nano, "measured")
    cost_nano = prices.cost_nano(model, ModelUsage(model, *_tokens(spent)), hour * HOUR_MS)
    return ModelTotals(name, *_tokens(spent), cost_nano or 0, "unknown" if cost_nano is None else "measured")


def _tokens(usage: ModelUsage | Spent) -> tuple[int, int, int, int, int]:
    cache = usage.cache_read_tokens, usage.cache_creation_tokens, usage.cache_creation_1h_tokens
    return usage.input_tokens, usage.output_tokens, *cache


def by_model(totals: Iterable[ModelTotals]) -> list[ModelTotals]:
    """Add up the entries of each model: a report that names a model twice means both."""
    found: dict[str, ModelTotals] = {}
    for one in totals:
        found[one.model] = _add(found[one.model], one) if one.model in found else one
    return list(found.values())


def _add(one: ModelTotals, other: ModelTotals) -> ModelTotals:
    sums = (getattr(one, name) + getattr(other, name) for name in _ADDED)
    source = one.cost_source if one.cost_source == other.cost_source else "unknown"
    return ModelTotals._make((one.model, *sums, source))
