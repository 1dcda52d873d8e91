"""API section "Analytics", tool-errors: why tools failed."""

from typing import Any

from tests.support.clients.session_client import NOW, SessionClient
from tests.support.rigs.installation import Installation

DAY = {"start_date": "2026-01-20", "end_date": "2026-01-20"}
LATER = "2026-01-20T11:00:00Z"
TRACEBACK = "Exit code 1\nTraceback (most recent call last):\n  File \"/w/{}.py\", line {}\nKeyError: 'user'\n"


def _errors(session: SessionClient, org: str, **params: Any) -> list[dict[str, Any]]:
    """Return the list as the session's client sees it, once all its writes are visible."""
    headers = {"X-Wait-For-Position": session.position}
    reply = session.client.get(
        f"/api/v1/{org}/sessions/analytics/tool-errors", params={**DAY, **params}, headers=headers
    )
    assert reply.is_success, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


def _fail(session: SessionClient, tool: str, error: str | None, use_id: str, at: str = NOW) -> None:
    data = {"tool_name": tool, "tool_use_id": use_id, **({} if error is None else {"error": error})}
    session.record(("PostToolUseFailure", {**data, "at": at}))


def test_failures_are_grouped_by_what_is_the_same_in_their_texts(installation: Installation, fresh_org: str) -> None:
    """Numbers, paths and ids differ; a failure sent twice counts once; those without a text are one entry."""
    reviewer = SessionClient(installation, fresh_org, agent_name="reviewer", started_at=NOW)
    other = SessionClient(installation, fresh_org, started_at=NOW)
    with reviewer, other:
        for number in range(3):
            _fail(reviewer, "Bash", TRACEBACK.format(f"v{number}", number), f"b{number}")
        _fail(reviewer, "Bash", TRACEBACK.format("v2", 2), "b2")
        _fail(reviewer, "Bash", "Exit code 127", "b7")
        _fail(reviewer, "Read", None, "r0")
        for number, path in enumerate(("/home/a/x.py", "C:/b/y.py")):
            _fail(reviewer, "Read", f"File {path} has 1{number} lines", f"r{number + 1}")
        _fail(other, "Read", "  \n File src/z.py has 7 lines\nsecond line", "r9", LATER)
        _fail(other, "Grep", "No run 5f1c9f4a-2d36-4b57-8e0c-1a7d3b9e6f24 of deadbeef01", "g1", LATER)
        _fail(other, "Grep", "Outside the range", "g2", "2026-01-21T00:00:00Z")
        reviewer.read(""), other.read("")
        found = _errors(other, fresh_org)
        read_by_reviewer = _errors(other, fresh_org, agent_name="reviewer")
        failures = other.client.get(f"/api/v1/{fresh_org}/sessions/analytics/by-tool", params=DAY).json()["data"]

    lines = "File … has N lines"
    shown = [(one["tool_name"], one["agent_name"], one["error"], one["count"]) for one in found]
    assert shown == [
        ("Bash", "reviewer", "Exit code 1: KeyError: 'user'", 3),
        ("Read", "reviewer", lines, 2),
        ("Bash", "reviewer", "Exit code 127", 1),
        ("Grep", None, "No run … of …", 1),
        ("Read", None, lines, 1),
        ("Read", "reviewer", None, 1),
    ]
    last = {
        (one["tool_name"], one["agent_name"], one["error"]): (one["last_session_id"], one["last_at"]) for one in found
    }
    assert last["Read", None, lines] == (other.id, LATER.replace("Z", ".000Z"))
    assert last["Read", "reviewer", None] == (None, None)
    assert read_by_reviewer == [one for one in found if one["agent_name"] == "reviewer"]
    assert {one["tool_name"]: one["errors"] for one in failures} == {"Bash": 4, "Read": 4, "Grep": 1}


def test_members_see_the_failures_of_their_own_sessions(installation: Installation, fresh_org: str) -> None:
    """Another user's texts are not even counted."""
    with SessionClient(installation, fresh_org, started_at=NOW) as session:
        _fail(session, "Bash", "Exit code 2", "b1")
        session.read("")
        whole = _errors(session, fresh_org)
        for role, user, seen in (("member", "alice", whole), ("viewer", "bob", []), ("manager", "bob", whole)):
            with installation.client(role, fresh_org, user) as client:
                path = f"/api/v1/{fresh_org}/sessions/analytics/tool-errors"
                assert client.get(path, params=DAY).json()["data"] == seen, role
                named = client.get(path, params={**DAY, "user_id": "alice"}).status_code
                assert named == (403 if (role, user) == ("viewer", "bob") else 200)

    assert [(one["error"], one["count"]) for one in whole] == [("Exit code 2", 1)]
