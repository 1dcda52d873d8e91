"""A session's usage and work, slowly: the reports, and the sums of its requests and measurements."""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from math import floor
from typing import Any

from prices.price_list import PriceList
from schemas.models import canonical_model
from schemas.money import nano_of
from tests.support.oracles.hierarchy import agents_of
from tests.support.oracles.log_facts import Fact, events_of, first_text, of_type, text

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")
HOUR_MS = 3_600_000
Totals = dict[str, dict[str, Any]]  # by model: tokens, cost_nano, cost_source


def ledger(facts: list[Fact], own_model: str, prices: PriceList) -> dict[str, Any]:
    """Return the totals by model as reported, as measured and as shown, and the measured ones by agent."""
    reported, measured = _reported(facts, own_model, prices), _by_model(_measured(facts, prices))
    report = _report_of_tokens(facts) or {}
    is_left_out = not reported or (report.get("is_incomplete", False) and _all(reported) <= _all(measured))
    return {
        "models": measured if is_left_out else reported,
        "measured": measured,
        "is_reported": not is_left_out,
        "is_incomplete": not is_left_out and report.get("is_incomplete", False),
        "agents": _by_agent(facts, prices),
    }


def requests_of(facts: list[Fact]) -> list[Fact]:
    """Return the model requests; among those with the same id, the first."""
    found: dict[Any, Fact] = {}
    for event in of_type(events_of(facts), "ApiRequest"):
        found.setdefault(text(event, "request_id") or event["place"], event)
    return list(found.values())


def given_cost(request: Fact) -> int | None:
    """Return nano-dollars, if the client reported a cost."""
    cost = request["data"].get("cost_usd")
    return nano_of(cost) if type(cost) in (int, float) and 0 <= cost <= 1_000_000 else None


def model_of(request: Fact) -> str:
    """Return the name under which a request counts."""
    return canonical_model(text(request, "model"))


def main_output_by_model(facts: list[Fact]) -> dict[str, int]:
    """Return the output of the main agent."""
    output: dict[str, int] = defaultdict(int)
    for request in requests_of(facts):
        if not text(request, "agent_id"):
            output[model_of(request)] += _tokens(request)["output_tokens"]
    return output


def work(facts: list[Fact]) -> dict[str, int]:
    """Return the work of the latest report that has any, else the sum of the measurements."""
    reported = latest_report([report for report, _ in _reports(facts) if report.get("work") is not None])
    if reported:
        return {name: reported["work"].get(name, 0) for name in WORK}
    amounts: dict[str, int] = dict.fromkeys(WORK, 0)
    highest: dict[tuple[str, str], int] = defaultdict(int)
    for event in of_type(events_of(facts), "Measurement"):
        name, amount = _amount(event["data"])
        if amount is None:
            continue
        series = text(event, "series") if event["data"].get("cumulative") is True else ""
        if series:
            highest[name, series] = max(highest[name, series], amount)
        else:
            amounts[name] += amount
    for (name, _), amount in highest.items():
        amounts[name] += amount
    return amounts


def latest_report(reports: list[Fact]) -> Fact | None:
    """Return the report with the highest `reported_at`; one without it replaces everything before it."""
    accepted = accepted_reports(reports)
    return accepted[-1] if accepted else None


def accepted_reports(reports: list[Fact]) -> list[Fact]:
    """Return the reports that replaced the one before, in the order of the log."""
    found: list[Fact] = []
    for report in reports:
        old, new = found[-1].get("reported_at") if found else None, report.get("reported_at")
        if old is None or new is None or new >= old:
            found.append(report)
    return found


def _reports(facts: list[Fact]) -> list[tuple[Fact, int]]:
    """Return the reports, and when they were received."""
    return [(fact["report"], fact["received_at"]) for fact in facts if fact.get("report") is not None]


def _all(totals: Totals) -> int:
    """Return the tokens of all models. Cache writes for an hour are part of the cache writes."""
    return sum(one[name] for one in totals.values() for name in TOKENS[:-1])


def _report_of_tokens(facts: list[Fact]) -> Fact | None:
    """Return the latest report, with the time of the first one of the last ones that said the same.

    A report about work alone says nothing about tokens.
    """
    reports = [
        {**report, "at": at if report.get("reported_at") is None else min(report["reported_at"], at)}
        for report, at in _reports(facts)
        if report.get("models") or report.get("work") is None
    ]
    latest: Fact | None = None
    for report in accepted_reports(reports):
        is_same = latest is not None and latest.get("models", []) == report.get("models", [])
        latest = {**report, "at": latest["at"]} if latest is not None and is_same else report
    return latest


def _reported(facts: list[Fact], own_model: str, prices: PriceList) -> Totals:
    report = _report_of_tokens(facts)
    if report is None:
        return {}
    entries = []
    for usage in report.get("models", []):
        model = own_model if usage.get("model") is None else usage["model"]
        sums = _whole({name: usage.get(name, 0) for name in TOKENS})
        cost: Fraction | None = None if usage.get("cost_nano") is None else Fraction(usage["cost_nano"])
        source = "reported"
        if cost is None:
            cost = _price(model, sums, report["at"], prices)
            source = "unknown" if cost is None else "priced"
        entries.append((canonical_model(model), {**sums, "exact": cost or Fraction(0), "cost_source": source}))
    return _by_model(entries)


def _measured(facts: list[Fact], prices: PriceList) -> list[tuple[str, dict[str, Any]]]:
    """Return the requests by model, agent and hour. Requests without a cost are priced together, by the name sent."""
    groups: dict[tuple[str, str, int | None], list[Fact]] = defaultdict(list)
    for request in requests_of(facts):
        hour = None if given_cost(request) is not None else _hour(request)
        groups[text(request, "model"), text(request, "agent_id"), hour].append(request)
    return [(canonical_model(key[0]), _sum(key, requests, prices)) for key, requests in groups.items()]


def _sum(key: tuple[str, str, int | None], requests: list[Fact], prices: PriceList) -> dict[str, Any]:
    model, agent_id, hour = key
    sums = {name: sum(_tokens(request)[name] for request in requests) for name in TOKENS}
    cost: Fraction | None = Fraction(sum(given_cost(request) or 0 for request in requests))
    if hour is not None:
        cost = _price(model, sums, hour * HOUR_MS, prices)
    source = "unknown" if cost is None else "measured"
    exact = cost or Fraction(0)
    return {**sums, "exact": exact, "cost_source": source, "agent_id": agent_id, "requests": len(requests)}


def _price(model: str, sums: dict[str, int], at: int, prices: PriceList) -> Fraction | None:
    """Return nano-dollars, not rounded; None without a price. Rates are per a million tokens."""
    rates = prices.price_of(model, at)
    if rates is None:
        return None
    short = sums["cache_creation_tokens"] - sums["cache_creation_1h_tokens"]
    paid = (
        (sums["input_tokens"], rates.input_nano),
        (sums["output_tokens"], rates.output_nano),
        (sums["cache_read_tokens"], rates.cache_read_nano),
        (short, rates.cache_write_5m_nano),
        (sums["cache_creation_1h_tokens"], rates.cache_write_1h_nano),
    )
    return sum((Fraction(tokens * rate, 1_000_000) for tokens, rate in paid), Fraction(0))


def _by_model(entries: Iterable[tuple[str, dict[str, Any]]]) -> Totals:
    """Add up the entries of each model. If their costs come from different sources, the source is unknown."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for model, entry in entries:
        found[model].append(entry)
    return {
        model: {
            **{name: sum(entry[name] for entry in some) for name in TOKENS},
            "cost_nano": floor(sum((entry["exact"] for entry in some), Fraction(0))),
            "cost_source": some[0]["cost_source"] if len({entry["cost_source"] for entry in some}) == 1 else "unknown",
        }
        for model, some in found.items()
    }


def _by_agent(facts: list[Fact], prices: PriceList) -> dict[str, dict[str, Any]]:
    """Return the sums by agent. An agent costs what the models' costs grow by after those of earlier agents."""
    events = events_of(facts)
    found: dict[str, dict[str, Any]] = {}
    costs: dict[str, Fraction] = defaultdict(Fraction)
    for model, entry in sorted(_measured(facts, prices), key=lambda pair: str(pair[1]["agent_id"])):
        agent_id = entry["agent_id"]
        said = [event for event in events if text(event, "agent_id") == agent_id]
        agent_type = first_text(said, "agent_type") if agent_id in agents_of(events) else ""
        totals = found.setdefault(agent_id, {"agent_type": agent_type, "requests": 0, "tokens": 0, "cost_nano": 0})
        totals["requests"] += entry["requests"]
        totals["tokens"] += sum(entry[name] for name in TOKENS[:-1])
        totals["cost_nano"] += floor(costs[model] + entry["exact"]) - floor(costs[model])
        costs[model] += entry["exact"]
    return found


def _hour(request: Fact) -> int:
    return int(min(request["timestamp"], request["received_at"]) // HOUR_MS)


def _tokens(request: Fact) -> dict[str, int]:
    return _whole({name: _count(request["data"].get(name)) for name in TOKENS})


def _whole(sums: dict[str, int]) -> dict[str, int]:
    """Return the tokens; those that are kept for an hour are a part of those that created the cache."""
    return {**sums, TOKENS[4]: min(sums[TOKENS[3]], sums[TOKENS[4]])}


def _count(value: Any) -> int:
    return round(value) if type(value) in (int, float) and 0 <= value <= 1 << 53 else 0


def _amount(data: dict[str, Any]) -> tuple[str, int | None]:
    name, value = data.get("name"), data.get("value")
    column, scale = ("active_ms", 1000) if name == "active_seconds" else (name, 1)
    if column not in WORK or name == "active_ms" or not isinstance(value, int | float) or isinstance(value, bool):
        return "", None
    return (column, round(value * scale)) if 0 <= value * scale < 1 << 53 else ("", None)
