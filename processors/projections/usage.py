"""What tokens cost, by model, by agent and over time: sums are exact, and rounded down to nano-dollars as a whole.

One of several models, agents or buckets costs the difference of two rounded sums, so that together they cost exactly
what their sum does.
"""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from prices.price_file import PRICED_TOKENS
from prices.price_list import PriceList
from processors.fold.amounts import PRICED
from processors.fold.state import PricedAt, SessionState, Tokens
from processors.fold.usage import HOUR_MS, counted_tokens, measured_tokens
from schemas.models import canonical_model
from schemas.store.rows import AgentTotals, ModelTotals

AGENTS_MAX = 200  # in a row; the others are summed
OTHERS = "others"
SUMMED = ModelTotals._fields[1:-1]  # tokens and cost, without the name and the source of the cost
NANO_MAX = 1 << 62  # only absurd costs are cut off
tokens_of = attrgetter(*Tokens.__struct_fields__[:-1])


class Costs(NamedTuple):
    """The tokens of a model, and their cost in nano-dollars / `PRICED_TOKENS`; ``source`` as in `ModelTotals`."""

    tokens: Tokens
    exact: int
    source: str


def model_totals(state: SessionState, prices: PriceList) -> tuple[list[ModelTotals], list[ModelTotals]]:
    """Return what counts, and what was measured."""
    measured = _totals(by_model(state, prices, measured_tokens(state), "measured", "measured"))
    if not state.is_reported:
        return measured, measured
    return _totals(by_model(state, prices, counted_tokens(state), "reported", "priced")), measured


def by_model(
    state: SessionState, prices: PriceList, used: Iterable[tuple[PricedAt, Tokens]], given: str = "", priced: str = ""
) -> dict[str, Costs]:
    """Add up tokens and costs by model. Usage without a model belongs to the session's own model.

    ``given`` and ``priced`` are the sources of costs that the client gave, and of those from the list.
    """
    found: dict[str, Costs] = {}
    for (name, at_ms), tokens in used:
        model = (state.model or "") if name is None else name
        exact: int | None = tokens.cost_nano * PRICED_TOKENS
        if at_ms != PRICED:
            exact = prices.exact_cost(model, tokens, at_ms)
        source = "unknown" if exact is None else given if at_ms == PRICED else priced
        before = found.get(label := canonical_model(model)) or Costs(Tokens(), 0, source)
        before.tokens.add(tokens)
        found[label] = Costs(
            before.tokens, before.exact + (exact or 0), source if source == before.source else "unknown"
        )
    return found


def agent_totals(state: SessionState, prices: PriceList) -> list[AgentTotals]:
    """Return the sums of the requests by agent, the main one first."""
    totals: dict[str, AgentTotals] = {}
    until: dict[str, int] = {}  # costs by model
    for (model, agent_id, hour), spent in sorted(state.spent.items(), key=lambda item: item[0][1]):
        if agent_id not in totals and len(totals) >= AGENTS_MAX:
            agent_id = OTHERS
        known = state.agents.get(agent_id)
        total = totals.get(agent_id) or AgentTotals(agent_id, known.agent_type if known else "", 0, 0, 0)
        cost_nano = 0
        for label, one in by_model(state, prices, [((model, hour * HOUR_MS), spent)]).items():
            cost_nano = between(begin := until.get(label, 0), begin + one.exact)
            until[label] = begin + one.exact
        totals[agent_id] = total._replace(
            requests=total.requests + spent.requests,
            tokens=total.tokens + spent.all,
            cost_nano=total.cost_nano + cost_nano,
        )
    return list(totals.values())


def between(begin: int, end: int) -> int:
    """Return the nano-dollars between two exact sums."""
    return rounded(end) - rounded(begin)


def rounded(exact: int) -> int:
    return max(-NANO_MAX, min(NANO_MAX, exact // PRICED_TOKENS))


def _totals(found: Mapping[str, Costs]) -> list[ModelTotals]:
    return [
        ModelTotals._make((model, *tokens_of(one.tokens), rounded(one.exact), one.source))
        for model, one in found.items()
    ]
