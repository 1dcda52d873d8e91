"""The well-behaved probe client: it writes and reads all the time, and measures every response."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from tests.fuzz.exchange import stalled_s
from tests.support.clients.agents import CANARY, GIVE_UP_S, Client, GaveUp
from tests.support.clients.journal import Journal, SentEvent

EVERY_S = 0.05
BATCHES_PER_SESSION = 150
SECRET_IN = 0.1  # share of its events with a secret, which the service searches and rewrites


class Answer(NamedTuple):
    """One response; ``took_s`` excludes the time for which this thread had no processor.

    ``status`` is 0 if there was no response.
    """

    what: str
    status: int
    began: float  # as of `time.monotonic`
    took_s: float


class ProbeClient(Client):
    """A client that is alone in its org; ``note`` receives each response."""

    def __init__(
        self,
        connect: Callable[[str], httpx.Client],
        journal: Journal,
        org: str,
        seed: int,
        note: Callable[[Answer], None],
        is_up: Callable[[], bool] = lambda: True,
    ) -> None:
        """Set up the client; ``is_up`` returns whether the service still runs."""
        super().__init__(connect, journal, org, seed)
        self._note, self._is_up = note, is_up
        self._position = ""

    def run(self, stop: threading.Event, events_per_session: int = BATCHES_PER_SESSION) -> None:
        """Work through sessions until ``stop`` is set, and finish the last one.

        Raises:
            GaveUp: a valid request was refused, or the service no longer responds.
        """
        while not stop.is_set():
            self._one_session(stop, events_per_session)

    def _one_session(self, stop: threading.Event, batches: int) -> None:
        session = self._create()
        self._wait_until_visible(session)
        for number in range(batches):
            if stop.is_set():
                break
            began = time.monotonic()
            self._send_events(session, [self._event() for _ in range(self._random.randint(1, 5))])
            self._read(session, number)
            stop.wait(max(0.0, EVERY_S - (time.monotonic() - began)))
        self._report(session)
        self._end(session)

    def _read(self, session: str, number: int) -> None:
        reads = (f"/sessions/{session}", "/sessions/analytics/summary", f"/ops/receipts/{self._position}")
        self._until_2xx("GET", reads[number % len(reads)], b"")

    def _wait_until_visible(self, session: str) -> None:
        """Wait for the session; reads with `X-Wait-For-Position` may take long and are not measured."""
        headers = {"X-Wait-For-Position": self._position}
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline and self._is_up():
            try:
                if self._http.get(f"/api/v1/{self._org}/sessions/{session}", headers=headers).is_success:
                    return
            except httpx.HTTPError:
                self._journal.unanswered()
            time.sleep(0.1)
        raise GaveUp(f"{session} did not become visible within {GIVE_UP_S:.0f} s")

    def _event(self) -> SentEvent:
        event = super()._event()
        if self._random.random() < SECRET_IN:
            return event
        return event._replace(data=event.data.replace(CANARY.encode(), b"none"))

    def _until_2xx(self, method: str, path: str, body: bytes, key: str | None = None) -> dict[str, Any]:
        """Send a request, retrying as the API says, until the response is a 2xx; measure each response."""
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline and self._is_up():
            reply = self._measured(method, path, body, key)
            if reply is None:
                continue
            self._journal.noted(reply.status_code, reply.headers.get("X-Log-Position"), reply.content)
            if reply.is_success:
                self._position = reply.headers.get("X-Log-Position", self._position)
                found: dict[str, Any] = reply.json()
                return found
            if reply.status_code not in (429, 503):
                raise GaveUp(f"{method} {path} was answered {reply.status_code}: {reply.text[:300]}")
            time.sleep(float(reply.headers.get("Retry-After", "1")))
        raise GaveUp(f"{method} {path} got no 2xx within {GIVE_UP_S:.0f} s")

    def _measured(self, method: str, path: str, body: bytes, key: str | None) -> httpx.Response | None:
        headers = ({"Content-Type": "application/json"} if body else {}) | ({"Idempotency-Key": key} if key else {})
        what = f"{method} {_kind(path)}{' with a secret' if CANARY.encode() in body else ''}"
        began, stalled = time.monotonic(), stalled_s()
        try:
            reply = self._http.request(method, f"/api/v1/{self._org}{path}", content=body or None, headers=headers)
        except httpx.HTTPError:
            reply = None
            self._journal.unanswered()
            self._http.close()
            self._http = self._connect(self._org)
        took = time.monotonic() - began - (stalled_s() - stalled)
        self._note(Answer(what, 0 if reply is None else reply.status_code, began, took))
        return reply


def _kind(path: str) -> str:
    """Return the kind of path, without ids."""
    known = ("events", "end", "summary", "receipts")
    return next((name for name in known if f"/{name}" in path), "session")
