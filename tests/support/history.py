"""A client that remembers what it was promised: every request is sent as it is until it gets a 2xx."""

import random
import threading
import time
from collections import Counter
from typing import Any
from uuid import UUID

import httpx

from support.installation import ORG, Installation, eventually_ok

TYPES = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "UserPromptSubmit", "Stop", "TaskCreated", "NewKind")


class History:
    """Sessions and events sent so far; several threads may write through it."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self._installation, self._random = installation, random.Random(seed)
        self._lock = threading.Lock()
        self.seed = seed
        self.expected: dict[str, Counter[str]] = {}
        self.positions: dict[int, int] = {}
        self.resent = 0

    def write(self, sessions: int, batches: int, size: int) -> None:
        """Create sessions and stream batches into them until all have got their 2xx."""
        client = self._installation.client()
        ids = [self._create(client, n) for n in range(sessions)]
        for n in range(batches):
            self._send(client, ids[n % sessions], n, size)
        for session_id in ids:
            metrics = {"input_tokens": 1000, "output_tokens": 10, "cost_usd": 0.123456789}
            path = f"/api/v1/{ORG}/sessions/{session_id}/end"
            reply = eventually_ok(client, "POST", path, json={"outcome": "success", "model_metrics": metrics})
            self._note(reply)

    def in_threads(self, count: int, **what: int) -> list[threading.Thread]:
        """Start ``count`` writers."""
        threads = [threading.Thread(target=self.write, kwargs=what) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def check(self) -> None:
        """Every answer equals what was sent, and the installation's own audit agrees."""
        client = self._installation.client(timeout=30)
        wait = ",".join(f"{partition}:{offset}" for partition, offset in sorted(self.positions.items()))
        headers = {"X-Wait-For-Position": wait}
        first = eventually_ok(client, "GET", f"/api/v1/{ORG}/sessions", headers=headers)
        assert first.json()["meta"]["total_count"] == len(self.expected)
        for session_id, expected in self.expected.items():
            session = eventually_ok(client, "GET", f"/api/v1/{ORG}/sessions/{session_id}").json()["data"]
            assert {name: session["counts"][name] for name in expected} == dict(expected), self.seed
            assert session["outcome"] == "success"
            assert session["model_metrics"]["cost_usd"] == 0.123456789
        summary = eventually_ok(client, "GET", f"/api/v1/{ORG}/sessions/analytics/summary").json()["data"]
        assert summary["total_sessions"] == summary["ended_sessions"] == len(self.expected)
        assert summary["input_tokens"] == 1000 * len(self.expected)
        assert summary["tool_calls"] == sum(expected["tool_calls"] for expected in self.expected.values())
        for command in ("coverage", "recount"):
            audit = self._installation.command(command)
            assert audit.returncode == 0, f"{command}: {audit.stdout}{audit.stderr}"

    def _create(self, client: httpx.Client, n: int) -> str:
        key = f"{threading.get_ident()}-{n}-{self.seed}"
        reply = eventually_ok(
            client,
            "POST",
            f"/api/v1/{ORG}/sessions",
            json={"agent_name": f"agent-{n % 3}", "model": "claude-sonnet-4-5"},
            headers={"Idempotency-Key": key},
        )
        self._note(reply)
        session_id: str = reply.json()["data"]["id"]
        with self._lock:
            self.expected[session_id] = Counter(events=0, prompts=0, tool_calls=0, tool_errors=0, tasks=0)
        return session_id

    def _send(self, client: httpx.Client, session_id: str, n: int, size: int) -> None:
        events = [self._event(n, i) for i in range(size)]
        path = f"/api/v1/{ORG}/observability/sessions/{session_id}/events"
        self._note(eventually_ok(client, "POST", path, json={"events": events}))
        if self._random.random() < 0.2:  # a client that was not sure sends again what it had sent
            self.resent += 1
            self._note(eventually_ok(client, "POST", path, json={"events": events}))
        with self._lock:
            for event in events:
                self._count(self.expected[session_id], event["event_type"])

    def _event(self, n: int, i: int) -> dict[str, Any]:
        kind = TYPES[i % len(TYPES)]
        data: dict[str, Any] = {"hook_event_name": kind, "n": n, "text": "é🙂" * 5}
        if "Tool" in kind:
            data |= {"tool_name": "Bash", "tool_use_id": f"toolu_{n}_{i // len(TYPES)}", "duration_ms": 5}
        if kind == "TaskCreated":
            data |= {"task_id": f"t{n}_{i}", "task_subject": "x"}
        event: dict[str, Any] = {"event_type": kind, "timestamp": _now(), "data": data}
        if self._random.random() < 0.5:
            event["event_id"] = str(UUID(int=self._random.getrandbits(128), version=4))
        return event

    @staticmethod
    def _count(expected: Counter[str], kind: str) -> None:
        expected["events"] += 1
        expected["prompts"] += kind == "UserPromptSubmit"
        expected["tasks"] += kind == "TaskCreated"
        expected["tool_calls"] += kind == "PreToolUse"  # one id for the three of a round
        expected["tool_errors"] += kind == "PostToolUseFailure"

    def _note(self, reply: httpx.Response) -> None:
        partition, offset = map(int, reply.headers["X-Log-Position"].split(":"))
        with self._lock:
            self.positions[partition] = max(offset, self.positions.get(partition, -1))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1_000_000 % 1000:03d}Z"
