"""API section "GET /:org_id/sessions/live": who works on what now, and who waits for a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation


def _ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _live(installation: Installation, session: SessionClient, org: str, **reader: Any) -> list[dict[str, Any]]:
    """Return the live sessions once every write of ``session`` is visible."""
    headers = {"X-Wait-For-Position": session.position}
    with installation.client(org=org, **reader) as client:
        found: list[dict[str, Any]] = client.get(f"/api/v1/{org}/sessions/live", headers=headers).json()["data"]
    return found


def test_a_live_session_shows_what_it_does_and_since_when_it_waits(installation: Installation, fresh_org: str) -> None:
    """The end of a turn and a request for permission wait for a person until the same agent works again."""
    started_at, agent = _ago(9), {"agent_id": "a1", "agent_type": "Explore"}
    bash = {"tool_name": "Bash", "tool_use_id": "t1"}
    steps: list[tuple[str, dict[str, Any], int | None, str | None]] = [
        ("UserPromptSubmit", {"prompt": "Go"}, None, None),
        ("PreToolUse", {**bash}, None, "Bash"),
        ("PermissionRequest", {**bash}, 2, "Bash"),
        ("Notification", {"message": "needs your permission"}, 2, "Bash"),
        ("PostToolUse", {**bash}, None, "Bash"),
        ("PreToolUse", {"tool_name": "Task", "tool_use_id": "t2"}, None, "Task"),
        ("Stop", {}, 6, "Task"),
        ("PreToolUse", {"tool_name": "Read", "tool_use_id": "t3", **agent}, 6, "Read"),
        ("PermissionRequest", {"tool_name": "Read", **agent}, 6, "Read"),
        ("UserPromptSubmit", {"prompt": "Go on"}, 8, "Read"),
        ("PostToolUse", {"tool_name": "Read", "tool_use_id": "t3", **agent}, None, "Read"),
    ]
    times = [_ago(8 - place / 2) for place in range(len(steps))]
    with SessionClient(installation, fresh_org, started_at=started_at, agent_name="reviewer") as session:
        for at, (kind, data, waits, tool) in zip(times, steps, strict=True):
            session.record((kind, {**data, "at": at}))
            (found,) = _live(installation, session, fresh_org)
            assert (found["last_tool"], found["waiting_since"]) == (tool, None if waits is None else times[waits]), kind
        session.record(("ApiRequest", {"model": "m", "input_tokens": 3, "cost_usd": 0.25, "at": _ago(1)}))
        (found,) = _live(installation, session, fresh_org)
        whole = session.read("").json()["data"]

    assert (found["tokens"], found["cost_usd"]) == (3, 0.25)
    shown = ("id", "user_id", "agent_name", "repo", "branch", "title", "started_at", "last_event_at")
    assert {name: found[name] for name in shown} == {name: whole[name] for name in shown}


def test_only_active_sessions_that_the_caller_may_see_are_live(installation: Installation, fresh_org: str) -> None:
    """Ended, silent and sensitive ones are not; the latest comes first."""
    shown: list[str] = []
    for kept, minutes, options in ((1, 2, {}), (1, 1, {}), (0, 16, {}), (0, 1, {"sensitive": True}), (0, 1, {})):
        with SessionClient(installation, fresh_org, started_at=_ago(20), **options) as session:
            session.record(("UserPromptSubmit", {"prompt": "Go", "at": _ago(minutes)}))
            shown[:0] = [session.id] * kept
            if not (kept or options or minutes == 16):
                session.end()
            last = session

    assert [one["id"] for one in _live(installation, last, fresh_org)] == shown
    assert [one["id"] for one in _live(installation, last, fresh_org, role="viewer")] == shown
    assert _live(installation, last, fresh_org, role="member", user="bob") == []
