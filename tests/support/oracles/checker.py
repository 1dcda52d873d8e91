"""Compares what clients were promised with what an installation shows, invariant by invariant.

It works from outside: over HTTP, with the product's own audit, and by inspecting files and processes. It shares no
code with the projector.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Raw, Struct

from schemas.permissions import OPERATOR_ORG
from tests.support.clients.agents import CANARY
from tests.support.clients.journal import Digest, Journal, SentEvent, SentSession, digest
from tests.support.oracles.counts import counts, measured
from tests.support.rigs.folder import files_of
from tests.support.rigs.installation import Installation, eventually_ok

LAG_S = 60.0
SHOWN = 5
REDACTED = b"[redacted:aws_access_key]"

Differences = dict[str, list[str]]  # by invariant


class _Event(Struct):
    event_id: str
    event_type: str
    timestamp: str
    data: Raw


class _Meta(Struct):
    next_cursor: str | None


class _EventPage(Struct):
    data: list[_Event]
    meta: _Meta


_page = msgspec.json.Decoder(_EventPage)


class Checker:
    """Checks one installation against one journal. Clients must not write meanwhile."""

    def __init__(self, installation: Installation, journal: Journal) -> None:
        self._installation, self._journal = installation, journal
        self._found: Differences = {}

    def check(self) -> Differences:
        """Return every difference, by invariant; empty if there is none."""
        self._lag_returns()
        self._coverage_and_recount()
        for org, sessions in self._journal.by_org().items():
            with self._installation.client("admin", org, timeout=60) as http:
                self._sessions(http, org, sessions)
                self._totals(http, org, sessions)
                self._tenancy(http, org)
                self._erased(http, org)
        self._replies()
        self._canaries()
        return self._found

    def _lag_returns(self) -> None:
        """I9: within a minute everything is projected, and a read may wait for it."""
        deadline = time.monotonic() + LAG_S
        while (lag := self._audit("freshness")["lag_records"]) and time.monotonic() < deadline:
            time.sleep(0.5)
        if lag:
            self._note("I9", f"{lag} records still wait after {LAG_S:.0f} s")

    def _coverage_and_recount(self) -> None:
        """I4, I5, I6, proved by the product itself."""
        coverage, recount = self._audit("coverage"), self._audit("recount")
        if not coverage["complete"]:
            self._note("I4", f"{coverage['missing']} positions have no receipt")
        for difference in recount["differences"]:
            self._note("I5", str(difference))

    def _sessions(self, http: httpx.Client, org: str, sessions: Mapping[str, SentSession]) -> None:
        for session_id, sent in sessions.items():
            path = f"/api/v1/{org}/sessions/{session_id}"
            shown = eventually_ok(http, "GET", path, headers=self._journal.wait_header).json()["data"]
            stored = self._stored(http, path)
            self._events(session_id, sent, stored)
            self._counts(session_id, sent, shown)

    def _stored(self, http: httpx.Client, path: str) -> dict[Digest, list[str]]:
        """Return the ids of the stored events, by their content."""
        found: dict[Digest, list[str]] = {}
        for event in _events(http, path):
            content = digest(event.event_type, event.timestamp, bytes(event.data))
            found.setdefault(content, []).append(event.event_id)
        return found

    def _events(self, session_id: str, sent: SentSession, stored: Mapping[Digest, list[str]]) -> None:
        expected = {_as_stored(event).digest: event for event in sent.accepted.values()}
        for content, event in expected.items():
            if content not in stored:
                self._note("I1", f"{session_id} lacks {event.event_type} {event.data[:80]!r}")
            elif event.event_id is not None and stored[content] != [event.event_id]:
                self._note("I3", f"{session_id} has {event.event_id} as {stored[content]}")
        strange = [ids for content, ids in stored.items() if content not in expected]
        if len(strange) > len(sent.unknown):
            self._note("I2", f"{session_id} has events that no client sent: {strange[:SHOWN]}")
        for ids in stored.values():
            if len(ids) > 1:
                self._note("I3", f"{session_id} has one event under {ids[:SHOWN]}")

    def _counts(self, session_id: str, sent: SentSession, shown: Mapping[str, Any]) -> None:
        if sent.unknown:
            return  # any of these events may count
        for name, expected in counts(sent.accepted.values()).items():
            if shown["counts"][name] != expected:
                self._note("I6", f"{session_id} shows {shown['counts'][name]} {name}, {expected} were sent")
        shown_usage, usage = shown["usage"]["measured"], measured(sent.accepted.values())
        errors = sum(event.event_type == "ApiError" for event in sent.accepted.values())
        expected_fields = {
            "title": (shown["title"], sent.title),
            "outcome": (shown["outcome"], sent.outcome),
            "input_tokens": (shown["model_metrics"]["input_tokens"], sent.input_tokens),
            "cost_usd": (shown["model_metrics"]["cost_usd"], sent.cost_nano / 10**9),
            "usage": (shown_usage and {name: shown_usage[name] for name in usage or ()}, usage),
            "api_errors": (shown["work"]["api_errors"], errors),
        }
        for name, (is_shown, expected_value) in expected_fields.items():
            if is_shown != expected_value:
                self._note("I6", f"{session_id} shows {name} {is_shown!r}, {expected_value!r} was sent")

    def _totals(self, http: httpx.Client, org: str, sessions: Mapping[str, SentSession]) -> None:
        """I5, from outside: an org's totals are the sums of what was sent."""
        path = f"/api/v1/{org}/sessions/analytics/summary"
        summary = eventually_ok(http, "GET", path, headers=self._journal.wait_header).json()["data"]
        expected = {
            "total_sessions": len(sessions),
            "ended_sessions": sum(1 for sent in sessions.values() if sent.outcome),
            "input_tokens": sum(sent.input_tokens for sent in sessions.values()),
            "total_cost_usd": sum(sent.cost_nano for sent in sessions.values()) / 10**9,
        }
        for name, value in expected.items():
            if summary[name] != value:
                self._note("I5", f"{org} shows {name} {summary[name]}, {value} was sent")

    def _tenancy(self, http: httpx.Client, org: str) -> None:
        """I7: a session of another org is not found."""
        foreign = next((sid for sid, sent in self._journal.sessions.items() if sent.org != org), None)
        if foreign is None:
            return
        for path in ("", "/events", "/hierarchy", "/analysis", "/compactions", "/spend"):
            reply = http.get(f"/api/v1/{org}/sessions/{foreign}{path}")
            if reply.status_code != httpx.codes.NOT_FOUND:
                self._note("I7", f"{org} reads {path or 'a session'} of another org: {reply.status_code}")

    def _erased(self, http: httpx.Client, org: str) -> None:
        """E1: nothing shows a session that was erased."""
        for session_id, sent in self._journal.sessions.items():
            if sent.is_erased and sent.org == org:
                for path in ("", "/events", "/hierarchy", "/analysis", "/spend"):
                    reply = http.get(f"/api/v1/{org}/sessions/{session_id}{path}")
                    if reply.status_code != httpx.codes.NOT_FOUND:
                        self._note("E1", f"{path or 'a session'} of {session_id}, which is erased: {reply.status_code}")

    def _replies(self) -> None:
        """I11: every response is documented."""
        for reply in self._journal.odd_replies:
            self._note("I11", reply)

    def _canaries(self) -> None:
        """I10: no file of the installation contains the secret that every event contained."""
        for file in files_of(self._installation.data):
            if not file.is_socket() and _holds(file, CANARY.encode()):
                self._note("I10", f"{file} holds a secret")

    def _audit(self, name: str) -> dict[str, Any]:
        """Return the output of this audit command; retry while a service is unavailable."""
        with self._installation.client("operator", OPERATOR_ORG, timeout=60) as http:
            found: dict[str, Any] = eventually_ok(http, "GET", f"/api/v1/operator/{name}", LAG_S).json()["data"]
        return found

    def _note(self, invariant: str, what: str) -> None:
        self._found.setdefault(invariant, []).append(what)


def described(found: Differences) -> str:
    """Return a readable summary: the count of each kind of difference, and the first of each."""
    lines = (f"{name}: {len(some)}\n    " + "\n    ".join(some[:SHOWN]) for name, some in sorted(found.items()))
    return "\n".join(lines) or "no differences"


def nothing_left(installation: Installation, pids: Mapping[str, int], is_alive: Callable[[int], bool]) -> list[str]:
    """I9, after the end: return processes that still run, and pid files that still exist."""
    alive = [f"{name} ({pid}) still runs" for name, pid in pids.items() if is_alive(pid)]
    return alive + [f"{file} is left" for file in (installation.data / "run").glob("*.pid")]


def _events(http: httpx.Client, path: str) -> Iterator[_Event]:
    cursor: str | None = ""
    while cursor is not None:
        params = {"per_page": "1000", **({"cursor": cursor} if cursor else {})}
        page = _page.decode(eventually_ok(http, "GET", f"{path}/events", params=params).content)
        yield from page.data
        cursor = page.meta.next_cursor


def _as_stored(event: SentEvent) -> SentEvent:
    """Return the stored bytes of an event: those sent, without the secret."""
    return event._replace(data=event.data.replace(CANARY.encode(), REDACTED))


def _holds(file: Path, needle: bytes) -> bool:
    with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
        before = b""
        while chunk := opened.read(1 << 20):
            if needle in before + chunk:
                return True
            before = chunk[-len(needle) :]
    return False
