"""The rules of fold version 4 replace those of version 3: the proof shows the sessions that change, and no other."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_replay import shown_by
from tests.support import CHECKOUT
from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.operator import Operator
from tests.support.waiting import eventually

FORMER = CHECKOUT / "tests" / "support" / "rigs" / "former_fold"
DAY = "2026-01-20T"
Planted = Callable[[Org], str]
Changes = dict[str, tuple[Any, Any]]  # of a session's row, by column: before and after


@pytest.fixture(params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Start an installation of the former version."""
    if request.param == "stack":
        need_jars()
    running = Installation(request.param, tmp_path / request.param)
    running.environment["PYTHONPATH"] = os.pathsep.join([str(FORMER), str(CHECKOUT)])
    try:
        yield running.start()
    finally:
        running.end()


def at(time: str) -> str:
    """Return a time of the day on which everything happens."""
    return f"{DAY}{time}.000Z"


def planted(org: Org, *events: dict[str, Any], ended_at: str | None = "11:00:00", **create: Any) -> str:
    """Return a session with these events, ended at that time."""
    session = org.create(started_at=at("10:00:00"), **create)
    if events:
        org.record(session, *events)
    if ended_at:
        org.write("POST", f"sessions/{session['id']}/end", {"ended_at": at(ended_at)})
    return str(session["id"])


def used(event_type: str, name: str, time: str, **data: Any) -> dict[str, Any]:
    """Return an event of a use of a tool."""
    return hook(event_type, at(time), tool_name="Bash", tool_use_id=name, **data)


def _taken_up_again(org: Org) -> str:
    id_ = planted(org, hook("SessionStart", at("10:00:00")), ended_at="10:10:00")
    org.record({"id": id_}, hook("SessionStart", at("12:00:00"), source="resume"))
    org.write("POST", f"sessions/{id_}/end", {"ended_at": at("12:05:00")})
    return id_


def _refused(org: Org) -> str:
    call = {"tool_name": "Edit", "tool_use_id": "r1", "tool_response": "<tool_use_error>No such text</tool_use_error>"}
    return planted(org, hook("PostToolBatch", at("10:01:00"), tool_calls=[call]))


def _prompts_of_machines(org: Org) -> str:
    prompts = ("Mend it", "<task-notification>done</task-notification>")
    return planted(org, *(hook("UserPromptSubmit", at(f"10:0{n}:00"), prompt=p) for n, p in enumerate(prompts)))


def _phantom(org: Org) -> str:
    return planted(org, hook("SubagentStop", at("10:01:00"), agent_id="ghost", agent_type=""))


def _measured(org: Org) -> str:
    request = {"request_id": "q1", "model": "claude-opus-4-8[1m]", "input_tokens": 7, "cost_usd": 0.5}
    return planted(
        org,
        hook("ApiRequest", at("10:01:00"), **request),
        hook("ApiRequest", at("10:01:01"), **request),
        hook("Measurement", at("10:02:00"), name="lines_added", value=3),
    )


def _spelled_twice(org: Org) -> str:
    id_ = planted(org, model="given")
    models = [{"model": f"claude-opus-4-8{suffix}", "input_tokens": 5, "cost_usd": 1} for suffix in ("", "[1m]")]
    org.write("PATCH", f"sessions/{id_}", {"model_metrics": {"models": models}})
    return id_


def _named_by_its_client(org: Org) -> str:
    return planted(
        org,
        hook("SessionStart", at("10:00:00"), session_title="Mend the login", model="a"),
        hook("PostModelSwitch", at("10:01:00"), to_model="b"),
        hook("Stop", at("10:02:00"), last_assistant_message="Done."),
    )


def _skill(org: Org) -> str:
    return planted(org, hook("PreSkillShellCommand", at("10:01:00"), tool_name="Bash"))


CASES: dict[Planted, Changes] = {
    _taken_up_again: {"duration_ms": (600_000, 900_000), "ended_at": (at("10:10:00"), at("12:05:00"))},
    _refused: {"tool_calls": (0, 1), "tool_errors": (0, 1), "tools": (None, None)},
    _prompts_of_machines: {"prompts": (2, 1), "first_prompts": (None, None), "search_text": (None, None)},
    _phantom: {"subagents": (1, 0)},
    _measured: {
        "input_tokens": (0, 7),
        "cost_nano": (0, 500_000_000),
        "api_requests": (0, 1),
        "lines_added": (0, 3),
        "measured_cost_nano": (0, 500_000_000),
        "unknown_events": (3, 0),
        "model": (None, "claude-opus-4-8"),
        **dict.fromkeys(("models", "measured", "agents", "search_text"), (None, None)),
    },
    _spelled_twice: dict.fromkeys(("models", "search_text"), (None, None)),
    _named_by_its_client: {
        "title": (None, "Mend the login"),
        "summary": (None, "Done."),
        "model": ("a", "b"),
        "search_text": (None, None),
    },
    _skill: {"unknown_events": (1, 0)},
}


def _unchanged(org: Org) -> list[str]:
    """Return sessions on which both versions agree."""
    plain = [
        hook("UserPromptSubmit", at("10:00:01"), prompt="Mend the login", source="user"),
        used("PreToolUse", "t1", "10:00:02"),
        used("PostToolUse", "t1", "10:00:04", duration_ms=1_900),
        hook("PostToolBatch", at("10:00:05"), tool_calls=[{"tool_name": "Bash", "tool_use_id": "t1"}]),
        used("PreToolUse", "t2", "10:00:06"),
        used("PostToolUseFailure", "t2", "10:00:07", error="no"),
        hook("SubagentStart", at("10:00:08"), agent_id="a1", agent_type="Explore"),
        hook("SubagentStop", at("10:00:09"), agent_id="a1", agent_type="Explore"),
        hook("TaskCreated", at("10:00:10"), task_id="k1", task_subject="Test it"),
        hook("TaskCompleted", at("10:00:11"), task_id="k1", task_subject="Test it"),
        hook("PreCompact", at("10:00:12"), trigger="auto"),
        hook("Stop", at("10:00:13")),
        hook("Brand.new", at("10:00:14")),
    ]
    return [planted(org, *plain), planted(org, *plain, ended_at=None), planted(org, title="Given", branch="main")]


def _open_tools(org: Org) -> str:
    """Return a session of whose uses one was interrupted, one denied, and one left a shell running."""
    return planted(
        org,
        used("PreToolUse", "open", "10:00:01"),
        used("PreToolUse", "denied", "10:00:02"),
        used("PermissionDenied", "denied", "10:00:03"),
        used("PreToolUse", "shell", "10:00:04"),
        used("PostToolUse", "shell", "10:00:05", tool_response={"stdout": "", "backgroundTaskId": "b1"}),
        ended_at=None,
    )


def test_new_rules_are_rolled_out_and_the_proof_shows_what_they_change(target: Installation) -> None:
    """Until the switch readers see the old numbers; after it those of the new rules, and everything adds up."""
    org, operator = Org(target, "acme"), Operator(target)
    cases = {plant(org): changes for plant, changes in CASES.items()}
    same, tools = _unchanged(org), _open_tools(org)
    former = {id_: org.data(f"sessions/{id_}") for id_ in same}
    assert operator.generations()["g1"]["fold_version"] == 3

    assert target.stop() == 0
    del target.environment["PYTHONPATH"]
    target.start()
    assert shown_by(target) == "g1"
    operator.do("replay", "g2")
    operator.do("prove", "g2")

    found: dict[tuple[str, str], dict[str, tuple[Any, Any]]] = {}
    for one in operator.proof("g2")["differences"]:
        of = found.setdefault((one["table"], one["key"]["session_id"]), {})
        of[one["key"].get("task_id", one["column"])] = one["live"], one["proved"]
    assert {id_ for _, id_ in found} == {*cases, tools}
    for id_, changes in cases.items():
        shown = found["sessions", id_]
        assert set(shown) == set(changes), (id_, shown)
        exact = {column: values for column, values in changes.items() if values != (None, None)}
        assert {column: shown[column] for column in exact} == exact
    assert set(found["tasks", tools]) >= {"denied", "shell"}

    operator.do("switch", "g2", accept_differences=True)
    assert eventually(lambda: shown_by(target) == "g2")
    assert {id_: org.data(f"sessions/{id_}") for id_ in same} == former
    for command in ("coverage", "recount"):
        assert target.command(command).returncode == 0
