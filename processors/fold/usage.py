"""The ledger of requests to models, and of work: sums of events with an identity, so that nothing counts twice."""

from processors.fold.parsed import Parsed
from processors.fold.state import SessionState, Spent, Work
from schemas.store.rows import FactRow

HOUR_MS = 3_600_000
PRICED = 0  # no hour: the client gave the costs
# A real session has a few models, agents and hours. One with thousands of names would make every batch slow, so the
# excess is summed without a name.
SUMS_MAX = 1_000
NAME_CHARACTERS_MAX = 512


def api_request(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Count a request to a model, once per request id."""
    usage = parsed.usage
    if usage is None or usage.request_id in state.requests:
        return
    if usage.request_id:
        state.requests[usage.request_id] = None
    state.api_requests += 1
    # Requests without costs are priced by their hour.
    hour = PRICED if usage.cost_nano is not None else min(row.timestamp, row.received_at) // HOUR_MS
    key = row.model[:NAME_CHARACTERS_MAX], row.agent_id, hour
    if key not in state.spent and len(state.spent) >= SUMS_MAX:
        key = "", "", PRICED
    spent = state.spent.setdefault(key, Spent())
    spent.requests += 1
    spent.input_tokens += usage.input_tokens
    spent.output_tokens += usage.output_tokens
    spent.cache_read_tokens += usage.cache_read_tokens
    spent.cache_creation_tokens += usage.cache_creation_tokens
    spent.cache_creation_1h_tokens += usage.cache_creation_1h_tokens
    spent.cost_nano += usage.cost_nano or 0


def measurement(state: SessionState, _: FactRow, parsed: Parsed) -> None:
    """Add a measurement of work. In a cumulative series, the highest sum so far counts."""
    measured = parsed.measured
    if measured is None:
        return
    amount = measured.amount
    if measured.series:
        series = f"{measured.name} {measured.series}"
        before = state.series.get(series, 0)
        state.series[series] = max(before, amount)
        amount = max(0, amount - before)
    work: Work = state.work
    setattr(work, measured.name, getattr(work, measured.name) + amount)
