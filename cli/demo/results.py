"""Reads what the API reports after the demo and compares it with what was sent."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from cli.demo.api import Api, CallFailed
from cli.demo.sessions import DAYS, DemoSession

LATEST = 8


class DemoCheck(Struct, frozen=True):
    """One promise: the expected value, the value that the API reports, and whether they agree."""

    name: str
    expected: str
    found: str
    passed: bool


class Results(Struct, frozen=True):
    """The API replies that the demo shows."""

    sessions: list[dict[str, Any]]
    latest: list[dict[str, Any]]
    summary: dict[str, Any]
    agents: list[dict[str, Any]]
    costs: dict[str, Any]
    sessions_per_day: list[dict[str, Any]]
    cost_per_day: list[dict[str, Any]]


async def read_results(api: Api, org: str, ids: Sequence[str]) -> Results:
    """Read everything once every write is visible in analytics, and thus everywhere. Raises `CallFailed`."""
    analytics = f"/{org}/sessions/analytics"
    days: dict[str, Any] = {"start_date": str((datetime.now(UTC) - timedelta(days=DAYS - 1)).date())}
    summary = await api.get(f"{analytics}/summary", wait=True)
    replies = await asyncio.gather(
        api.get(f"/{org}/sessions", per_page=LATEST),
        api.get(f"{analytics}/by-agent"),
        api.get(f"{analytics}/cost-breakdown"),
        api.get(f"{analytics}/timeseries", metric="sessions", **days),
        api.get(f"{analytics}/timeseries", metric="cost", **days),
    )
    sessions = [(await api.get(f"/{org}/sessions/{id_}"))["data"] for id_ in ids]
    latest, *rest = (reply["data"] for reply in replies)
    return Results(sessions, latest, summary["data"], *rest)


def check_results(sent: Sequence[DemoSession], results: Results, fresh: bool) -> list[DemoCheck]:
    """Compare the results with what was sent. If the org was empty before (``fresh``), compare its totals too."""
    counts = [session["counts"]["events"] for session in results.sessions]
    right = sum(ours.events == count for ours, count in zip(sent, counts, strict=True))
    ended = sum(session["status"] == "ended" for session in results.sessions)
    checks = [
        _same("events", sum(session.events for session in sent), sum(counts)),
        _same("sessions with the right count", len(sent), right),
        _same("sessions with an end", sum(session.end is not None for session in sent), ended),
    ]
    if fresh:
        checks += [_same("sessions in analytics", len(sent), results.summary["total_sessions"]), _same_cost(results)]
    return checks


def _same(name: str, expected: int, found: int) -> DemoCheck:
    return DemoCheck(name, f"{expected:,}", f"{found:,}", expected == found)


def _same_cost(results: Results) -> DemoCheck:
    """Compare the cost by session with the totals by agent, model, project and user."""
    by_session = _total_cost([session["model_metrics"] for session in results.sessions])
    totals = [Decimal(str(results.summary["total_cost_usd"])), _total_cost(results.agents)]
    totals += [_total_cost(results.costs[name]) for name in ("by_model", "by_project", "by_user")]
    found = next((total for total in totals if total != by_session), by_session)
    return DemoCheck("cost, added up in five ways", f"${by_session:,.6f}", f"${found:,.6f}", found == by_session)


def _total_cost(rows: Sequence[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(row["cost_usd"])) for row in rows), Decimal())


async def prove(url: str, token: str) -> list[DemoCheck]:
    """Let the installation check itself: rollups against a fresh recount, log positions against receipts."""
    async with aclosing(Api(url, {"operator": token})) as operator:
        return [
            await _proof(operator, "recount", "equal", "every rollup equals a fresh recount of the facts"),
            await _proof(operator, "coverage", "complete", "every position of the log has its receipt"),
        ]


async def _proof(operator: Api, name: str, field: str, promise: str) -> DemoCheck:
    try:
        passed = bool((await operator.get(f"/operator/{name}"))["data"][field])
    except CallFailed as reason:
        return DemoCheck(name, promise, str(reason), passed=False)
    return DemoCheck(name, promise, "yes" if passed else f"no: see `crewkit-sessions {name}`", passed)
