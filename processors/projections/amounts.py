"""Makes the rows of `amounts`: what happened in a session, by quarter of an hour."""

from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter

from msgspec import structs

from prices.price_list import PriceList
from processors.fold.state import Amounts, SessionState
from processors.fold.usage import counted_tokens
from processors.projections.usage import Costs, between, by_model, tokens_of
from schemas.store.rows import QUARTER_S, AmountsRow, ModelAmounts, ToolAmountsOf

_counts = attrgetter("prompts", "api_requests", "api_errors")


def amounts_rows(
    state: SessionState, prices: PriceList, repo: str | None, moved: Collection[int]
) -> Iterator[AmountsRow]:
    """Yield the rows of some buckets, the latest first."""
    wanted = frozenset(moved)
    if not wanted:
        return
    # Costs are rounded as sums up to the end of a bucket: all that counts, less what the later buckets have.
    until = {model: one.exact for model, one in by_model(state, prices, counted_tokens(state)).items()}
    first = min(wanted)
    for bucket in reversed(state.buckets):
        amounts = state.amounts[bucket]
        used = by_model(state, prices, amounts.used.items()) if amounts.used else {}
        if bucket in wanted:
            yield _row(state, repo, bucket, amounts, _models(used, until))
        if bucket == first:
            return
        for model, one in used.items():
            until[model] = until.get(model, 0) - one.exact


def _models(used: Mapping[str, Costs], until: Mapping[str, int]) -> list[ModelAmounts]:
    costs = {model: between(until.get(model, 0) - one.exact, until.get(model, 0)) for model, one in used.items()}
    models = (ModelAmounts._make((model, *tokens_of(one.tokens), costs[model])) for model, one in used.items())
    return sorted(model for model in models if any(model[1:]))


def _row(
    state: SessionState, repo: str | None, bucket: int, amounts: Amounts, models: list[ModelAmounts]
) -> AmountsRow:
    tools = sorted(ToolAmountsOf(name, *structs.astuple(tool)) for name, tool in amounts.tools.items())
    place = state.org_id, bucket * QUARTER_S, state.session_id, amounts.version, state.log_partition
    names = state.project_id, repo, state.agent_name, state.user_id
    return AmountsRow(*place, *names, models, tools, *_counts(amounts), *structs.astuple(amounts.work))
