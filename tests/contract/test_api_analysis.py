"""API section "GET …/:id/analysis": the findings after the end of a session."""

from schemas.findings import Findings
from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation

CANARY = "canary-2b9e"


def test_an_analysis_follows_the_end(installation: Installation, fresh_org: str) -> None:
    """The status is `none`, then `done` with every documented finding; a later end brings a newer analysis."""
    with SessionClient(installation, fresh_org) as session:
        session.record(
            ("UserPromptSubmit", {"prompt": "Please fix the refunds. And test it.", "at": "2026-01-20T10:00:00Z"})
        )
        call = {"tool_name": "Bash", "tool_input": {"command": "pytest -q"}, "tool_use_id": "t1"}
        session.record(
            ("PreToolUse", {**call, "at": "2026-01-20T10:00:30Z"}),
            ("PostToolUseFailure", {**call, "error": "2 failed", "at": "2026-01-20T10:01:30Z"}),
            ("PreToolUse", {**call, "tool_use_id": "t2", "at": "2026-01-20T10:02:00Z"}),
            ("PostToolUse", {**call, "tool_use_id": "t2", "at": "2026-01-20T10:02:10Z"}),
            ("Stop", {"at": "2026-01-20T10:02:20Z"}),
            ("UserPromptSubmit", {"prompt": "Thanks", "at": "2026-01-20T10:05:20Z"}),
            ("SessionEnd", {"reason": "other", "at": "2026-01-20T10:05:30Z"}),
        )
        session.use("Edit", {"file_path": "/work/backend/refund.py"}, "t3")
        before = session.read("analysis")
        session.end(outcome="success")

        after = session.read("analysis")
        found = after.json()["data"]["findings"]

        assert before.json()["data"] == {"status": "none", "findings": None}
        assert (after.status_code, after.json()["data"]["status"]) == (200, "done")
        assert tuple(found) == Findings.__struct_fields__
        assert found["suggested_title"] == "Fix the refunds"
        assert found["tool_error_rates"] == [
            {"tool_name": "Bash", "calls": 2, "errors": 1, "error_rate": 0.5},
            {"tool_name": "Edit", "calls": 1, "errors": 0, "error_rate": 0.0},
        ]
        assert found["repeated_commands"] == [{"command": "pytest -q", "runs": 2, "failures": 1}]
        assert found["tests_run"] == [{"command": "pytest -q", "runs": 2, "failures": 1, "last_failed": False}]
        assert found["files_edited"] == [{"path": "/work/backend/refund.py", "edits": 1}]
        assert found["longest_gaps"][0]["after"] == "SessionEnd"
        assert found["longest_gaps"][1] == {
            "started_at": "2026-01-20T10:02:20.000Z",
            "ended_at": "2026-01-20T10:05:20.000Z",
            "duration_ms": 180_000,
            "after": "Stop",
            "before": "UserPromptSubmit",
        }
        split = found["time_split"]
        assert (split["tools_ms"], split["waiting_for_user_ms"]) == (70_000, 180_000)
        assert split["total_ms"] == sum(value for name, value in split.items() if name != "total_ms")

        session.use("Edit", {"file_path": "/work/backend/refund.py"}, "t4")
        still = session.read("analysis").json()["data"]
        session.end()
        newer = session.read("analysis").json()["data"]
        assert still["findings"] == found
        assert newer["findings"]["files_edited"][0]["edits"] == 2


def test_nothing_of_a_sensitive_session_is_found(installation: Installation, fresh_org: str) -> None:
    """The analysis of a sensitive session has times and counts, and no content."""
    with SessionClient(installation, fresh_org, sensitive=True) as session:
        session.record(("UserPromptSubmit", {"prompt": CANARY}))
        session.use("Bash", {"command": f"pytest {CANARY}"}, "t1", error=CANARY)
        session.use("Bash", {"command": f"pytest {CANARY}"}, "t2")
        session.use("Edit", {"file_path": CANARY}, "t3")
        session.end()

        reply = session.read("analysis")

        found = reply.json()["data"]["findings"]
        assert CANARY not in reply.text
        assert found["tool_error_rates"][0] == {"tool_name": "Bash", "calls": 2, "errors": 1, "error_rate": 0.5}
        assert (found["repeated_commands"], found["files_edited"], found["tests_run"]) == ([], [], [])
        assert found["suggested_title"] is None


def test_an_analysis_is_a_read_like_the_others(installation: Installation, fresh_org: str) -> None:
    """An empty session has one; a known tag is 304, a hidden session 404, an unknown parameter 422."""
    with SessionClient(installation, fresh_org) as session:
        session.end()
        done = session.read("analysis")
        again = session.read("analysis", headers={"If-None-Match": done.headers["ETag"]})
        with installation.client(org=fresh_org, user="bob", role="viewer") as bob:
            hidden = bob.get(f"{session.path}/analysis")

        assert done.json()["data"]["status"] == "done"
        assert done.json()["data"]["findings"]["time_split"]["total_ms"] == 0
        assert done.json()["data"]["findings"]["longest_gaps"] == []
        assert "X-Complete-Through" in done.headers
        assert (again.status_code, hidden.status_code) == (304, 404)
        assert session.read("analysis", params={"nope": 1}).status_code == 422
