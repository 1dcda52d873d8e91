"""API section "Operations", `GET …/sessions/:id?as_of=…`."""

from datetime import UTC, datetime, timedelta

from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation


def test_what_an_agent_sent_can_be_seen_as_it_was(installation: Installation, fresh_org: str) -> None:
    """Calls, answers and model requests are folded again from the facts in the store."""
    call = {"tool_name": "Bash", "tool_use_id": "one"}
    with SessionClient(installation, fresh_org) as session:
        session.record(("ApiRequest", {"request_id": "r1", "model": "claude-sonnet-4-5", "input_tokens": 5}))
        asked = session.read("").json()["data"]
        session.record(("PreToolUse", {**call}), ("PostToolBatch", {"tool_calls": [{**call, "tool_response": "done"}]}))
        session.record(("Stop", {"last_assistant_message": "all done"}))
        stopped = session.read("").json()["data"]

        for known in (asked, stopped):
            assert session.read("", params={"as_of": known["position"]}).json()["data"] == known

    assert asked["usage"]["measured"]["input_tokens"] == 5
    assert stopped["position"] != asked["position"]


def test_a_corrected_report_can_be_seen_as_it_was(installation: Installation, fresh_org: str) -> None:
    """The position before a correction shows the wrong cost, the latest one the right cost. Times work the same way."""
    with SessionClient(installation, fresh_org) as session:
        created = session.read("").json()["data"]
        session.change(model_metrics={"input_tokens": 5, "cost_usd": 9.0})
        wrong = session.read("").json()["data"]
        session.change(model_metrics={"input_tokens": 5, "cost_usd": 2.0})
        right = session.read("").json()["data"]

        for known in (created, wrong, right):
            found = session.read("", params={"as_of": known["position"]}).json()
            assert found == {"data": known, "meta": {"as_of": known["position"]}}
        later = session.read("", params={"as_of": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
        earlier = session.read("", params={"as_of": "2020-01-01T00:00:00Z"})

    assert [known["model_metrics"]["cost_usd"] for known in (created, wrong, right)] == [0, 9, 2]
    assert later.json()["data"] == right
    assert (earlier.status_code, earlier.json()["code"]) == (404, "not_found")
