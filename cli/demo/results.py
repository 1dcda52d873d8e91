"""What the API says after the demo, and whether it is what was sent. Nothing here knows how it is stored."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from cli.demo.api import Api, CallFailed
from cli.demo.sessions import DAYS, DemoSession

READS_AT_ONCE = 16
LATEST = 8


class Check(Struct, frozen=True):
    """One promise: what is expected, what the API reports."""

    name: str
    expected: str
    found: str
    kept: bool


class Findings(Struct, frozen=True):
    """Everything that is shown."""

    sessions: list[dict[str, Any]]
    latest: list[dict[str, Any]]
    summary: dict[str, Any]
    agents: list[dict[str, Any]]
    costs: dict[str, Any]
    sessions_per_day: list[dict[str, Any]]
    cost_per_day: list[dict[str, Any]]


async def look(api: Api, org: str, ids: Sequence[str]) -> Findings:
    """Ask for everything, once it is all there."""
    latest = await api.get(f"/{org}/sessions", wait=True, per_page=LATEST)
    analytics = f"/{org}/sessions/analytics"
    days: dict[str, Any] = {"start_date": str((datetime.now(UTC) - timedelta(days=DAYS - 1)).date())}
    summary, agents, costs, per_day, cost_per_day = await asyncio.gather(
        api.get(f"{analytics}/summary"),
        api.get(f"{analytics}/by-agent"),
        api.get(f"{analytics}/cost-breakdown"),
        api.get(f"{analytics}/timeseries", metric="sessions", **days),
        api.get(f"{analytics}/timeseries", metric="cost", **days),
    )
    sessions = await _each_session(api, org, ids)
    asked = (latest, summary, agents, costs, per_day, cost_per_day)
    return Findings(sessions, *(reply["data"] for reply in asked))


async def _each_session(api: Api, org: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    at_once = asyncio.Semaphore(READS_AT_ONCE)

    async def one(id_: str) -> dict[str, Any]:
        async with at_once:
            data: dict[str, Any] = (await api.get(f"/{org}/sessions/{id_}"))["data"]
            return data

    return await asyncio.gather(*(one(id_) for id_ in ids))


def compare(sent: Sequence[DemoSession], found: Findings, fresh: bool) -> list[Check]:
    """Hold the answers against what was sent; ``fresh``: the org was empty before, so its totals are ours alone."""
    events = sum(session.events for session in sent)
    counted = sum(session["counts"]["events"] for session in found.sessions)
    pairs = zip(sent, found.sessions, strict=True)
    right = sum(ours.events == theirs["counts"]["events"] for ours, theirs in pairs)
    checks = [
        _same("events", events, counted),
        _same("sessions with the right count", len(sent), right),
        _same("sessions with an end", sum(s.end is not None for s in sent), _ended(found.sessions)),
    ]
    if fresh:
        checks += [_same("sessions in analytics", len(sent), found.summary["total_sessions"]), _money(found)]
    return checks


def _ended(sessions: Sequence[dict[str, Any]]) -> int:
    return sum(session["status"] == "ended" for session in sessions)


def _same(name: str, expected: int, found: int) -> Check:
    return Check(name, f"{expected:,}", f"{found:,}", expected == found)


def _money(found: Findings) -> Check:
    """The same money by session, by agent, by model, by project and by user."""
    usd = [Decimal(str(found.summary["total_cost_usd"])), _total(found.agents)]
    usd += [_total(found.costs[name]) for name in ("by_model", "by_project", "by_user")]
    by_session = sum((Decimal(str(s["model_metrics"]["cost_usd"])) for s in found.sessions), Decimal())
    odd = next((amount for amount in usd if amount != by_session), by_session)
    return Check("cost, added up in five ways", f"${by_session:,.6f}", f"${odd:,.6f}", odd == by_session)


def _total(rows: Sequence[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(row["cost_usd"])) for row in rows), Decimal())


async def prove(operator: Api) -> list[Check]:
    """Ask the installation to check itself: rollups against a fresh recount, log positions against receipts."""
    checks = []
    for name, field, promise in (
        ("recount", "equal", "every rollup equals a fresh recount of the facts"),
        ("coverage", "complete", "every position of the log has its receipt"),
    ):
        try:
            kept = bool((await operator.get(f"/operator/{name}"))["data"][field])
            checks.append(Check(name, promise, "yes" if kept else f"no: see `crewkit-sessions {name}`", kept))
        except CallFailed as reason:
            checks.append(Check(name, promise, str(reason), kept=False))
    return checks
