"""API section "POST /:org_id/sessions/:id/compact", from request to digest."""

from typing import Any

from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation

CANARY = "canary-7d1f"


def prompted(text: str) -> tuple[str, dict[str, Any]]:
    return "UserPromptSubmit", {"prompt": text, "cwd": "/work/backend"}


def test_a_digest_tells_the_session_up_to_the_request(installation: Installation, fresh_org: str) -> None:
    """A digest is queued, then done with goal, files, failures, open tasks and last answer, without later events."""
    with SessionClient(installation, fresh_org, remote_url="git@github.com:acme/backend", title="Refunds") as session:
        session.record(
            prompted("Fix the refunds"), ("TaskCreated", {"task_id": "7", "task_subject": "Fix the rounding"})
        )
        session.use("Edit", {"file_path": "/work/backend/refund.py"}, "t1")
        session.use("Bash", {"command": "pytest -q"}, "t2", error="2 failed")
        session.record(("Stop", {"last_assistant_message": "It was the rounding."}))

        queued = session.compact()
        session.record(prompted("Something else"))
        listed = session.read("compactions")

        compaction_id = queued.json()["data"]["compaction_id"]
        assert queued.status_code == 202
        assert queued.json()["data"] == {"id": session.id, "compaction_id": compaction_id, "status": "queued"}
        assert queued.json()["meta"] == {"position": queued.headers["X-Log-Position"]}
        (found,) = listed.json()["data"]
        assert (found["compaction_id"], found["status"], found["covered_events"]) == (compaction_id, "done", 7)
        assert found["requested_at"].endswith("Z")
        for part in ("Refunds", "acme/backend", "1. Fix the refunds", "7: Fix the rounding", "It was the rounding."):
            assert part in found["digest"]
        assert "- refund.py" in found["digest"]
        assert "- `pytest -q` failed: 2 failed" in found["digest"]
        assert "Something else" not in found["digest"]
        assert listed.json()["meta"] == {"current_page": 1, "per_page": 25, "total_pages": 1, "total_count": 1}


def test_a_late_copy_of_the_call_changes_nothing(installation: Installation, fresh_org: str) -> None:
    """A repeated key returns the same compaction and digest; without a key each call is a new request."""
    with SessionClient(installation, fresh_org) as session:
        session.record(prompted("First"))
        first = session.compact("again", max_characters=300)
        session.record(prompted("Second"))
        copy = session.compact("again", max_characters=300)
        other = session.compact()

        found = session.read("compactions").json()["data"]

        ids = [reply.json()["data"]["compaction_id"] for reply in (first, copy, other)]
        assert ids[0] == ids[1] != ids[2]
        assert [item["compaction_id"] for item in found] == [ids[2], ids[0]]
        assert [item["covered_events"] for item in found] == [2, 1]
        assert "Second" not in found[1]["digest"]


def test_limits_instructions_and_pages(installation: Installation, fresh_org: str) -> None:
    """A digest keeps its length limit and follows its instructions; pages list the newest first."""
    with SessionClient(installation, fresh_org) as session:
        for n in range(40):
            session.use("Edit", {"file_path": f"/work/backend/module_{n:02}/generated_file.py"}, f"t{n}")
        session.use("Read", {"file_path": "/work/backend/tokenizer.py"}, "t99")
        session.compact(max_characters=200)
        session.compact(max_characters=400, instructions="Mind the tokenizer")
        session.compact()

        whole = session.read("compactions").json()["data"]
        pages = [session.read("compactions", params={"page": n, "per_page": 2}).json() for n in (1, 2, 3)]

        assert [len(item["digest"]) <= limit for item, limit in zip(whole, (8_000, 400, 200), strict=True)] == [
            True
        ] * 3
        assert "Mind the tokenizer" in whole[1]["digest"]
        assert "tokenizer.py" in whole[1]["digest"].partition("## Files read")[2]
        assert [page["data"] for page in pages] == [whole[:2], whole[2:], []]
        assert pages[2]["meta"] == {"current_page": 3, "per_page": 2, "total_pages": 2, "total_count": 3}


def test_a_digest_of_a_sensitive_session_has_no_content(installation: Installation, fresh_org: str) -> None:
    """The digest of a sensitive session has numbers and no content."""
    with SessionClient(installation, fresh_org, sensitive=True) as session:
        session.record(prompted(CANARY), ("Stop", {"last_assistant_message": CANARY}))
        session.use("Bash", {"command": CANARY}, "t1", error=CANARY)
        session.compact(instructions=CANARY)

        reply = session.read("compactions")

        (found,) = reply.json()["data"]
        assert (found["status"], found["covered_events"]) == ("done", 4)
        assert "1 tool call" in found["digest"]
        assert CANARY not in reply.text


def test_a_list_of_digests_is_a_read_like_the_others(installation: Installation, fresh_org: str) -> None:
    """No digests is an empty list; a known tag is 304, hidden and unknown ids 404, unknown parameters 422."""
    with SessionClient(installation, fresh_org) as session:
        empty = session.read("compactions")
        again = session.read("compactions", headers={"If-None-Match": empty.headers["ETag"]})
        unknown = session.client.get(
            session.path.replace(session.id, "9b2f0000-0000-4000-8000-000000000000") + "/compactions"
        )
        with installation.client(org=fresh_org, user="bob", role="member") as bob:
            hidden = bob.get(f"{session.path}/compactions")
            own_request = bob.post(f"{session.path}/compact", json={})
        with installation.client(org=fresh_org, user="bob", role="viewer") as viewer:
            forbidden = viewer.post(f"{session.path}/compact", json={})

        assert (empty.status_code, empty.json()["data"], empty.json()["meta"]["total_count"]) == (200, [], 0)
        assert "X-Complete-Through" in empty.headers
        assert again.status_code == 304
        assert (unknown.status_code, hidden.status_code) == (404, 404)
        assert unknown.json()["error"] == hidden.json()["error"]
        assert (own_request.status_code, forbidden.status_code) == (202, 403)
        assert session.read("compactions", params={"nope": 1}).status_code == 422
        assert session.read("compactions", params={"per_page": 101}).status_code == 422
