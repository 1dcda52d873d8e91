"""A session of a real installation that a test writes to, and reads back once it is projected."""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from tests.support.rigs.installation import Installation, eventually_ok

NOW = "2026-01-20T10:30:00Z"


class SessionClient(AbstractContextManager["SessionClient"]):
    """One session; every read waits for all writes made to it."""

    def __init__(self, installation: Installation, org: str, **created: Any) -> None:
        self.client = installation.client(org=org)
        self._org, self._position = org, ""
        self.id: str = self._write("POST", f"/api/v1/{org}/sessions", json=created).json()["data"]["id"]
        self.path = f"/api/v1/{org}/sessions/{self.id}"

    def record(self, *events: tuple[str, dict[str, Any]], at: str = NOW) -> None:
        """Send hook events, given by type and payload."""
        body = [{"event_type": kind, "timestamp": data.pop("at", at), "data": data} for kind, data in events]
        self._write("POST", f"/api/v1/{self._org}/observability/sessions/{self.id}/events", json={"events": body})

    def use(self, tool: str, tool_input: dict[str, Any], use_id: str, error: str | None = None) -> None:
        """Call a tool successfully, or with the failure ``error``."""
        call = {"tool_name": tool, "tool_input": tool_input, "tool_use_id": use_id}
        outcome = ("PostToolUse", {**call}) if error is None else ("PostToolUseFailure", {**call, "error": error})
        self.record(("PreToolUse", {**call}), outcome)

    def compact(self, key: str | None = None, **body: Any) -> httpx.Response:
        """Request a digest."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._write("POST", f"{self.path}/compact", json=body, headers=headers)

    def change(self, **body: Any) -> None:
        self._write("PATCH", self.path, json=body)

    def end(self, **body: Any) -> None:
        self._write("POST", f"{self.path}/end", json=body)

    def read(self, what: str, **request: Any) -> httpx.Response:
        """Read a resource of the session, or the session itself (""), with every earlier write visible."""
        headers = {"X-Wait-For-Position": self._position} | request.pop("headers", {})
        return self.client.get(f"{self.path}/{what}".rstrip("/"), headers=headers, **request)

    @property
    def position(self) -> str:
        """The log position of the last write."""
        return self._position

    def _write(self, method: str, path: str, **request: Any) -> httpx.Response:
        reply = eventually_ok(self.client, method, path, **request)
        self._position = reply.headers["X-Log-Position"]
        return reply

    def __exit__(self, *_: object) -> None:
        self.client.close()
