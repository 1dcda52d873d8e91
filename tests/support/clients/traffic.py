"""Steady traffic of one org that continues through every fault; failed requests are not sent again."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from ingest.log.port import APPEND_DEADLINE_S
from tests.support.clients.background import Background

BATCH = 20  # events per request
SESSION_REQUESTS = 50  # requests per session


class Traffic(Background):
    """``with Traffic(…):`` writes and reads at these rates until the end, in a thread per writer and for the reader."""

    def __init__(
        self,
        connect: Callable[[], httpx.Client],
        org: str,
        events_per_s: float = 200,
        reads_per_s: float = 5,
        writers: int = 1,
    ) -> None:
        super().__init__()
        self._connect, self._path = connect, f"/api/v1/{org}"
        self.accepted = 0  # events
        every_s = writers * BATCH / events_per_s
        # The threads start one after the other: in step, all would fail at the same moment.
        writing = [(self._writes, every_s, n * APPEND_DEADLINE_S / writers) for n in range(writers)]
        self._threads = [
            threading.Thread(target=self._repeat, args=args) for args in (*writing, (self._reads, 1 / reads_per_s, 0.0))
        ]

    def _repeat(self, make: Callable[[httpx.Client], Callable[[], None]], every_s: float, after_s: float) -> None:
        self._stop.wait(after_s)
        with self._connect() as http:
            once = make(http)
            while not self._stop.wait(every_s):
                with contextlib.suppress(httpx.HTTPError):  # the alerts say whether it works
                    once()

    def _writes(self, http: httpx.Client) -> Callable[[], None]:
        numbers = itertools.count()
        session: str | None = None

        def once() -> None:
            nonlocal session
            number = next(numbers)
            if session is None or number % SESSION_REQUESTS == 0:
                reply = http.post(f"{self._path}/sessions", json={"agent_name": f"agent-{number % 3}"})
                session = reply.json()["data"]["id"] if reply.is_success else None
                return
            sent = http.post(f"{self._path}/observability/sessions/{session}/events", json=_events(number))
            self.accepted += BATCH if sent.is_success else 0

        return once

    def _reads(self, http: httpx.Client) -> Callable[[], None]:
        paths = itertools.cycle(("sessions", "sessions/analytics/summary", "sessions/analytics/by-agent"))
        return lambda: _ignore(http.get(f"{self._path}/{next(paths)}"))


def _events(number: int) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "events": [
            {"event_type": "PreToolUse", "timestamp": at, "data": {"tool_name": "Bash", "n": number * BATCH + n}}
            for n in range(BATCH)
        ]
    }


def _ignore(_: object) -> None:
    """Drop a reply."""
