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
SUMMED = ModelTotals._fields[1:-1]  # tokens and cost, without the name and the source of the cost


def reported_totals(state: SessionState, prices: PriceList) -> list[ModelTotals]:
    """Return the latest report, one entry per model. Usage without a model belongs to the session's own model."""
    if state.report is None:
        return []
    reported_at = state.report.reported_at
    at_ms = state.report_received_at if reported_at is None else min(reported_at, state.report_received_at)
    totals = []
    for usage in state.report.models:
        model = usage.model if usage.model is not None else state.model or ""
        cost_nano, source = usage.cost_nano, "reported"
        if cost_nano is None:
            cost_nano = prices.cost_nano(model, usage, at_ms)
            source = "unknown" if cost_nano is None else "priced"
        totals.append(ModelTotals(canonical_model(model), *_tokens(usage), cost_nano or 0, source))
    return by_model(totals)


def counts_before(reported: Sequence[ModelTotals], measured: Sequence[ModelTotals], *, is_incomplete: bool) -> bool:
    """Return whether the report counts instead of what was measured. Of two lower bounds, the higher one is closer."""
    return bool(reported) and (not is_incomplete or _all_tokens(reported) > _all_tokens(measured))


class MeasuredSum(NamedTuple):
    """Requests of one agent to one model, priced."""

    agent_id: str
    requests: int
    totals: ModelTotals


def measured_sums(state: SessionState, prices: PriceList) -> list[MeasuredSum]:
    """Return the sums of the ledger. Each costs what the client gave, else what the list says for that hour."""
    sums = []
    for (model, agent_id, hour), spent in state.spent.items():
        tokens = _tokens(spent)
        cost_nano: int | None = spent.cost_nano
        if hour != PRICED:
            cost_nano = prices.cost_nano(model, ModelUsage(model, *tokens), hour * HOUR_MS)
        source = "unknown" if cost_nano is None else "measured"
        totals = ModelTotals(canonical_model(model), *tokens, cost_nano or 0, source)
        sums.append(MeasuredSum(agent_id, spent.requests, totals))
    return sums


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


def _tokens(usage: ModelUsage | Spent) -> tuple[int, int, int, int, int]:
    cache = usage.cache_read_tokens, usage.cache_creation_tokens, usage.cache_creation_1h_tokens
    return usage.input_tokens, usage.output_tokens, *cache


def by_model(totals: Iterable[ModelTotals]) -> list[ModelTotals]:
    """Add up the entries of each model: a report that names a model twice means both."""
    found: dict[str, ModelTotals] = {}
    for one in totals:
        if (before := found.get(one.model)) is not None:
            sums = (getattr(before, name) + getattr(one, name) for name in SUMMED)
            source = one.cost_source if one.cost_source == before.cost_source else "unknown"
            one = ModelTotals._make((one.model, *sums, source))
        found[one.model] = one
    return list(found.values())
