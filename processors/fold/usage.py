"""What requests to models cost, and what was achieved: as clients report it, else as measured event by event.

Requests and measurements have an identity, so nothing counts twice. A report has running totals, and replaces the one
before it.
"""

from collections.abc import Iterable

from processors.fold.amounts import PRICED, happened, move_usage, move_work
from processors.fold.parsed import Parsed
from processors.fold.state import PricedAt, SessionState, Spent, Tokens, Work, wrapped
from schemas.log.records import MetricsReport, ModelUsage, WorkTotals
from schemas.store.rows import FactRow, Usage

HOUR_MS = 3_600_000
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
    happened(state, row.timestamp).api_requests += 1
    # Requests without costs are priced by their hour.
    hour = PRICED if usage.cost_nano is not None else min(row.timestamp, row.received_at) // HOUR_MS
    key = row.model[:NAME_CHARACTERS_MAX], row.agent_id, hour
    if key not in state.spent and len(state.spent) >= SUMS_MAX:
        key = "", "", PRICED
    one = _tokens(usage)
    sums = state.spent.setdefault(key, Spent())
    sums.requests += 1
    sums.add(one)
    state.measured_tokens = wrapped(state.measured_tokens + one.all)
    if not state.is_reported:
        move_usage(state, row.timestamp, (), [((key[0], key[2] * HOUR_MS), one)])
    elif not _report_counts(state):
        _choose(state, row.timestamp, counted_tokens(state))


def api_error(state: SessionState, row: FactRow, _: Parsed) -> None:
    state.api_errors += 1
    happened(state, row.timestamp).api_errors += 1


def measurement(state: SessionState, row: FactRow, parsed: Parsed) -> None:
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
    setattr(state.work, measured.name, wrapped(getattr(state.work, measured.name) + amount))
    if amount and state.work_report is None:
        done = happened(state, row.timestamp).work
        setattr(done, measured.name, wrapped(getattr(done, measured.name) + amount))


def take_report(state: SessionState, report: MetricsReport | None, received_at: int, at: int | None = None) -> None:
    """Replace the totals and, separately, the work; a report may have only one of them.

    ``at`` is when it was made, if the report itself does not say it.
    """
    if report is None:
        return
    if report.reported_at is not None:
        at = report.reported_at
    elif at is None:
        at = received_at
    if report.work is not None and _is_later(report, state.work_report):
        done = _work_done(state)
        state.work_report = report
        move_work(state, at, done, _work_done(state))
    if (report.models or report.work is None) and _is_later(report, state.report):
        counted = counted_tokens(state)
        if state.report is None or report.models != state.report.models:
            at_ms = received_at if report.reported_at is None else min(report.reported_at, received_at)
            state.priced_at = max(1, at_ms)  # 0 would mean that the client gave the cost
        state.report, state.reported_tokens = report, sum(_tokens(usage).all for usage in report.models)
        _choose(state, at, counted)


def _report_counts(state: SessionState) -> bool:
    """Return whether the report counts, not what was measured. Of two lower bounds, the higher one is closer."""
    report = state.report
    if report is None or not report.models:
        return False
    return not report.is_incomplete or state.reported_tokens > state.measured_tokens


def _choose(state: SessionState, at: int, counted: Iterable[tuple[PricedAt, Tokens]]) -> None:
    """Choose what counts from now on instead of ``counted``."""
    state.is_reported = _report_counts(state)
    move_usage(state, at, counted, counted_tokens(state))


def counted_tokens(state: SessionState) -> list[tuple[PricedAt, Tokens]]:
    """Return the sums that count, by model and price."""
    return reported_tokens(state) if state.is_reported else measured_tokens(state)


def reported_tokens(state: SessionState) -> list[tuple[PricedAt, Tokens]]:
    """Return what the latest report says, by model and price."""
    if state.report is None:
        return []
    at, models = state.priced_at, state.report.models
    return [((one.model, at if one.cost_nano is None else PRICED), _tokens(one)) for one in models]


def measured_tokens(state: SessionState) -> list[tuple[PricedAt, Tokens]]:
    """Return the sums of the requests, by model and price."""
    return [((model, hour * HOUR_MS), spent) for (model, _, hour), spent in state.spent.items()]


def _tokens(usage: ModelUsage | Usage) -> Tokens:
    created = usage.cache_creation_tokens
    hour = min(usage.cache_creation_1h_tokens, created)
    return Tokens(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, created, hour, usage.cost_nano or 0)


def _work_done(state: SessionState) -> tuple[int, ...]:
    done: Work | WorkTotals = state.work_done
    return tuple(getattr(done, name) for name in Work.__struct_fields__)


def _is_later(report: MetricsReport, before: MetricsReport | None) -> bool:
    """Return whether a report replaces the one before: by a higher `reported_at`, else by the order of the log."""
    if before is None or before.reported_at is None or report.reported_at is None:
        return True
    return report.reported_at >= before.reported_at
