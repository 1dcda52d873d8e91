"""Write to a running installation as a client would, and wait until a read shows it."""

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from schemas.permissions import Role
from tests.support.rigs.installation import Installation, eventually_ok
from tests.support.waiting import eventually

AT = "2026-01-20T10:30:00.000Z"
MARKS = 200  # enough that each partition gets some


class Org:
    """One org of an installation, as some of its users see it; reads wait for every write made here."""

    def __init__(self, installation: Installation, org: str) -> None:
        self.org = org
        self._installation = installation
        self._clients: dict[tuple[str, Role], httpx.Client] = {}
        self._positions: dict[str, int] = {}

    def client(self, user: str = "alice", role: Role = "admin") -> httpx.Client:
        """Return this user's client, made at the first call."""
        if (user, role) not in self._clients:
            self._clients[user, role] = self._installation.client(role, self.org, user)
        return self._clients[user, role]

    def write(self, method: str, path: str, body: Any, user: str = "alice", **request: Any) -> httpx.Response:
        """Send a write that must be accepted; ``path`` is relative to the org."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json", **request.pop("headers", {})}
        reply = self.client(user).request(method, self._path(path), content=content, headers=headers, **request)
        assert reply.is_success, reply.text
        partition, offset = reply.headers["X-Log-Position"].split(":")
        self._positions[partition] = max(int(offset), self._positions.get(partition, -1))
        return reply

    def create(self, user: str = "alice", **body: Any) -> dict[str, Any]:
        """Create a session, and return it as the response shows it."""
        created: dict[str, Any] = self.write("POST", "sessions", body, user).json()["data"]
        return created

    def record(self, session: dict[str, Any], *events: dict[str, Any]) -> httpx.Response:
        """Append hook events to a session."""
        return self.write("POST", f"observability/sessions/{session['id']}/events", {"events": list(events)})

    def get(self, path: str, *, user: str = "alice", role: Role = "admin", **params: Any) -> httpx.Response:
        """Read with every write made here visible."""
        wait = ",".join(f"{partition}:{offset}" for partition, offset in self._positions.items())
        headers = {"X-Wait-For-Position": wait} if wait else {}
        return self.client(user, role).get(self._path(path), params=params, headers=headers)

    def data(self, path: str, **asked: Any) -> Any:
        """Return the data of a read that must succeed; while it is not visible yet, retry as the response says."""
        # If Faust stops fetching a partition, the watchdog notices after a minute and restarts the projector.
        reply = eventually(lambda: _unless_away(self.get(path, **asked)), within_s=120)
        assert reply.status_code == httpx.codes.OK, reply.text
        return reply.json()["data"]

    def _path(self, path: str) -> str:
        return f"/api/v1/{self.org}/{path}"


def _unless_away(reply: httpx.Response) -> httpx.Response | None:
    return None if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE else reply


def wait_for_all(api: httpx.Client, org: str, path: str = "sessions") -> None:
    """Wait until reads of a path show everything that the installation recorded before this call, from any client.

    A session is visible once its first fact is, so seeing it does not prove that all of it is there. This records
    events behind everything else, in each partition, and waits until they are visible.
    """
    marks = [{"session_id": f"connection-test:{n}", "work": {"commits": 1}} for n in range(MARKS)]
    marked = api.post(f"/api/v1/{org}/hooks/claude-code", json={"reports": marks})
    assert marked.is_success, marked.text
    wait = {"X-Wait-For-Position": marked.headers["X-Log-Position"]}
    eventually_ok(api, "GET", f"/api/v1/{org}/{path}", limit_s=120, headers=wait)


def hook(event_type: str, at: str = AT, **data: Any) -> dict[str, Any]:
    """Return a hook event as a client sends it."""
    return {"event_type": event_type, "timestamp": at, "data": data}


def ids(items: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ids of these sessions."""
    return [item["id"] for item in items]
