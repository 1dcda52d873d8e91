"""Realistic clients: they send batches, retry, resend what was accepted, and reorder."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import msgspec

from tests.support.clients.journal import Journal, SentEvent

TYPES = (
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "UserPromptSubmit", "Stop", "TaskCreated", "TaskCompleted"),
    *("SubagentStart", "PreCompact", "Notification", "BrandNewKind", "ApiRequest", "ApiError"),
)
TEXTS = ("é🙂", "plain", 'quo"te\\', "\u202eright to left", "zero\u0000byte", "tab\tnew\nline")
CANARY = "AKIA" + "QYLPMN5HHHFPZAM2"  # a credential that must never appear in a log, response or table
PAUSE_S = 0.1
GIVE_UP_S = 180.0  # longer than any fault


class GaveUp(Exception):
    """The service did not recover in time."""


class Erased(Exception):
    """The session was erased meanwhile, and nothing more is accepted for it."""


class Client:
    """One command-line client, with one session at a time, in one org."""

    def __init__(
        self, connect: Callable[[str], httpx.Client], journal: Journal, org: str, seed: int, rate: float | None = None
    ) -> None:
        """``connect`` makes an HTTP client for an org; equal seeds send equal events, at most ``rate`` per second."""
        self._rate, self._begun, self._paced = rate, time.monotonic(), 0
        self._connect, self._journal, self._org = connect, journal, org
        self._random = random.Random(seed)
        self._seed = seed
        self._n = 0
        self._http = connect(org)

    def run(self, stop: threading.Event, events_per_session: int = 2_000) -> None:
        """Work through sessions until ``stop`` is set, and finish the last one."""
        while not stop.is_set():
            with suppress(Erased):
                self.session(stop, events_per_session)

    def session(self, stop: threading.Event, events: int) -> str:
        """Create a session, send events, report, and end it; late events come after the end."""
        session_id = self._create()
        late: list[SentEvent] = []
        sent = 0
        while sent < events and not stop.is_set():
            batch = [self._event() for _ in range(min(self._random.choice((1, 20, 100, 400)), events - sent))]
            sent += len(batch)
            self._pace(len(batch), stop)
            if self._random.random() < 0.1:
                late += batch
                continue
            self._stream(session_id, batch)
            if self._random.random() < 0.2:
                self._report(session_id)
        self._report(session_id)
        self._end(session_id)
        if late:
            self._stream(session_id, late)
        return session_id

    def slow_down(self, rate: float) -> None:
        """From now on, send at most this many events per second."""
        self._rate, self._begun, self._paced = rate, time.monotonic(), 0

    def _pace(self, events: int, stop: threading.Event) -> None:
        """Wait to keep the rate, or until ``stop`` is set; time lost to a fault is not caught up."""
        if self._rate is None:
            return
        self._paced += events
        ahead = self._paced / self._rate - (time.monotonic() - self._begun)
        if ahead > 0:
            stop.wait(ahead)
        elif ahead < -1:
            self._begun, self._paced = time.monotonic(), 0

    def _stream(self, session_id: str, batch: list[SentEvent]) -> None:
        self._send_events(session_id, batch)
        chance = self._random.random()
        if chance < 0.1:  # the client does not know the outcome, and splits the batch differently
            half = len(batch) // 2 or 1
            self._send_events(session_id, batch[half:] or batch)
            self._send_events(session_id, batch[:half])
        elif chance < 0.15:
            self._contradict(session_id, batch)

    def _send_events(self, session_id: str, batch: list[SentEvent]) -> None:
        self._journal.sending(session_id, batch)
        body = b'{"events":[' + b",".join(event.as_json() for event in batch) + b"]}"
        reply = self._until_2xx("POST", f"/observability/sessions/{session_id}/events", body)
        if reply["data"]["accepted"] != len(batch):
            self._journal.odd_replies.append(f"{len(batch)} sent, {reply['data']} accepted")
        self._journal.accepted(session_id, batch)

    def _contradict(self, session_id: str, batch: list[SentEvent]) -> None:
        """Send the same ids with other bodies, types and times. The first write wins, so none of these may show."""
        again = [
            event._replace(data=b'{"n":"contradiction"}', event_type="Stop", timestamp=_now())
            for event in batch
            if event.event_id is not None
        ]
        if again:
            body = b'{"events":[' + b",".join(event.as_json() for event in again) + b"]}"
            self._until_2xx("POST", f"/observability/sessions/{session_id}/events", body)

    def _create(self) -> str:
        self._n += 1
        key = f"{self._org}-{self._seed}-{self._n}"
        body = {
            "agent_name": f"agent-{self._n % 3}",
            "project_id": f"project-{self._n % 2}",
            "model": "claude-opus-4-5",
        }
        reply = self._until_2xx("POST", "/sessions", msgspec.json.encode(body), key)
        session_id: str = reply["data"]["id"]
        self._journal.created(session_id, self._org)
        return session_id

    def _report(self, session_id: str) -> None:
        """Send growing totals, each with its time, so that late copies are recognisable."""
        session = self._journal.sessions[session_id]
        tokens, cost_nano = session.input_tokens + 1_000, session.cost_nano + self._random.randrange(10**9)
        metrics = {"input_tokens": tokens, "cost_usd": cost_nano / 10**9, "reported_at": _now()}
        title = f"{tokens} tokens"
        body = {"title": title, "model_metrics": metrics}
        self._until_2xx("PATCH", f"/sessions/{session_id}", msgspec.json.encode(body), self._key())
        session.input_tokens, session.cost_nano, session.title = tokens, cost_nano, title

    def _end(self, session_id: str) -> None:
        outcome = self._random.choice(("success", "failure", "timeout", "cancelled"))
        body = msgspec.json.encode({"outcome": outcome})
        self._until_2xx("POST", f"/sessions/{session_id}/end", body, self._key())
        self._journal.sessions[session_id].outcome = outcome

    def _event(self) -> SentEvent:
        self._n += 1
        kind = self._random.choice(TYPES)
        use = self._random.randrange(self._n // 4 + 1)
        data: dict[str, Any] = {"n": f"{self._seed}-{self._n}", "text": self._random.choice(TEXTS), "secret": CANARY}
        if "Tool" in kind:
            data |= {"tool_name": self._random.choice(("Bash", "Edit")), "tool_use_id": f"toolu_{use}"}
        if kind.startswith("Task"):
            data |= {"task_id": f"task-{use}", "task_subject": "x"}
        if kind == "SubagentStart":
            data |= {"agent_id": f"agent-{use}", "agent_type": "reviewer"}
        if kind == "ApiRequest":  # several events of one request report the same request
            data |= {"request_id": f"req_{use}", "model": "claude-opus-4-5", "input_tokens": use, "cost_usd": use / 1e6}
        if self._random.random() < 0.1:
            data.pop("tool_use_id", None)
        event_id = str(UUID(int=self._random.getrandbits(128), version=4)) if self._random.random() < 0.5 else None
        return SentEvent(kind, _now(), msgspec.json.encode(data), event_id)

    def _key(self) -> str:
        self._n += 1
        return f"key-{self._seed}-{self._n}"

    def _until_2xx(self, method: str, path: str, body: bytes, key: str | None = None) -> dict[str, Any]:
        """Repeat the same request until the response is a 2xx."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            try:
                reply = self._http.request(method, f"/api/v1/{self._org}{path}", content=body, headers=headers)
            except httpx.HTTPError:
                self._journal.unanswered()
                self._http.close()
                self._http = self._connect(self._org)
            else:
                self._journal.noted(reply.status_code, reply.headers.get("X-Log-Position"), reply.content)
                if reply.is_success:
                    found: dict[str, Any] = reply.json()
                    return found
                if reply.status_code == httpx.codes.GONE:
                    raise Erased(path)
                if reply.status_code not in (429, 503):
                    raise GaveUp(f"{method} {path} was answered {reply.status_code}: {reply.text[:300]}")
            time.sleep(PAUSE_S * (0.5 + self._random.random()))
        raise GaveUp(f"{method} {path} got no 2xx within {GIVE_UP_S:.0f} s")


def _now() -> str:
    ms = time.time_ns() // 1_000_000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"
