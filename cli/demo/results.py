"""Reads what the API reports after the demo and compares it with what was sent."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from cli.demo.api import Api, CallFailed
from cli.demo.sessions import DAYS, DemoSession

READS_AT_ONCE = 16
LATEST = 8
DIGEST_CHARACTERS = 900


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


class SessionDetail(Struct, frozen=True):
    """A session, the findings of its analysis, and its digest."""

    session: dict[str, Any]
    findings: dict[str, Any]
    digest: str


async def read_results(api: Api, org: str, ids: Sequence[str]) -> Results:
    """Read everything once every write is visible in analytics, and thus everywhere. Raises `CallFailed`."""
    analytics = f"/{org}/sessions/analytics"
    days: dict[str, Any] = {"start_date": str((datetime.now(UTC) - timedelta(days=DAYS - 1)).date())}
    summary = await api.get(f"{analytics}/summary", wait=True)
    latest, agents, costs, per_day, cost_per_day = await asyncio.gather(
        api.get(f"/{org}/sessions", per_page=LATEST),
        api.get(f"{analytics}/by-agent"),
        api.get(f"{analytics}/cost-breakdown"),
        api.get(f"{analytics}/timeseries", metric="sessions", **days),
        api.get(f"{analytics}/timeseries", metric="cost", **days),
    )
    sessions = await _read_sessions(api, org, ids)
    responses = (latest, summary, agents, costs, per_day, cost_per_day)
    return Results(sessions, *(response["data"] for response in responses))


async def read_session_detail(api: Api, org: str, sessions: Sequence[dict[str, Any]]) -> SessionDetail | None:
    """Read the longest ended session, or return None if all are active or sensitive. Raises `CallFailed`."""
    candidates = [session for session in sessions if session["status"] == "ended" and not session["sensitive"]]
    if not candidates:
        return None
    session = max(candidates, key=lambda session: session["counts"]["events"])
    path, body = f"/{org}/sessions/{session['id']}", msgspec.json.encode({"max_characters": DIGEST_CHARACTERS})
    await api.send("POST", f"{path}/compact", session["user_id"], body, f"demo-{session['id']}")
    digests = await api.get(f"{path}/compactions", wait=True)
    analysis = await api.get(f"{path}/analysis")
    return SessionDetail(session, analysis["data"]["findings"], digests["data"][0]["digest"])


async def _read_sessions(api: Api, org: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    slots = asyncio.Semaphore(READS_AT_ONCE)

    async def one(id_: str) -> dict[str, Any]:
        async with slots:
            data: dict[str, Any] = (await api.get(f"/{org}/sessions/{id_}"))["data"]
            return data

    return await asyncio.gather(*(one(id_) for id_ in ids))


def check_results(sent: Sequence[DemoSession], results: Results, fresh: bool) -> list[DemoCheck]:
    """Compare the results with what was sent. If the org was empty before (``fresh``), compare its totals too."""
    events = sum(session.events for session in sent)
    counts = [session["counts"]["events"] for session in results.sessions]
    right = sum(ours.events == count for ours, count in zip(sent, counts, strict=True))
    ended = sum(session["status"] == "ended" for session in results.sessions)
    checks = [
        _same("events", events, sum(counts)),
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
    usd = [Decimal(str(results.summary["total_cost_usd"])), _total_cost(results.agents)]
    usd += [_total_cost(results.costs[name]) for name in ("by_model", "by_project", "by_user")]
    by_session = sum((Decimal(str(s["model_metrics"]["cost_usd"])) for s in results.sessions), Decimal())
    different = next((amount for amount in usd if amount != by_session), by_session)
    return DemoCheck(
        "cost, added up in five ways", f"${by_session:,.6f}", f"${different:,.6f}", different == by_session
    )


def _total_cost(rows: Sequence[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(row["cost_usd"])) for row in rows), Decimal())


async def prove(operator: Api) -> list[DemoCheck]:
    """Let the installation check itself: rollups against a fresh recount, log positions against receipts."""
    checks = []
    for name, field, promise in (
        ("recount", "equal", "every rollup equals a fresh recount of the facts"),
        ("coverage", "complete", "every position of the log has its receipt"),
    ):
        try:
            passed = bool((await operator.get(f"/operator/{name}"))["data"][field])
            checks.append(DemoCheck(name, promise, "yes" if passed else f"no: see `crewkit-sessions {name}`", passed))
        except CallFailed as reason:
            checks.append(DemoCheck(name, promise, str(reason), passed=False))
    return checks
