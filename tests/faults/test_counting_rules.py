"""The rules of fold version 5 replace those of version 4: the proof shows exactly the sessions that change."""

from collections.abc import Callable
from typing import Any

from tests.support import CHECKOUT
from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation
from tests.support.rigs.opened import opened
from tests.support.rigs.operator import Operator, shown_by
from tests.support.waiting import eventually

WITHOUT_MARKS = (
    "DROP TABLE rollup_progress SYNC",
    "DROP TABLE dense_receipts SYNC",
    "DELETE FROM migrations WHERE name IN ('0006_rollup_progress.sql', '0007_dense_receipts.sql')",
)
DAY = "2026-01-20T"
Planted = Callable[[Org], str]


def at(time: str) -> str:
    """Return a time of the day on which everything happens."""
    return f"{DAY}{time}.000Z"


def planted(org: Org, *events: dict[str, Any], ended_at: str | None = "11:00:00", **create: Any) -> str:
    """Return a session with these events that ended at that time."""
    session = org.create(started_at=at("10:00:00"), **create)
    if events:
        org.record(session, *events)
    if ended_at:
        org.write("POST", f"sessions/{session['id']}/end", {"ended_at": at(ended_at)})
    return str(session["id"])


def used(event_type: str, name: str, time: str, **data: Any) -> dict[str, Any]:
    """Return an event of a tool call."""
    return hook(event_type, at(time), tool_name="Bash", tool_use_id=name, **data)


def asked(name: str | None, time: str, **data: Any) -> dict[str, Any]:
    """Return an event of a prompt."""
    return hook("UserPromptSubmit", at(time), **{"prompt_id": name, **data} if name else data)


def _prompts_of_machines(org: Org) -> str:
    """Return a session in which a user typed one prompt; telemetry and hooks report all three."""
    notice = {"prompt": "<task-notification>done</task-notification>"}
    by_hooks = [asked("p1", "10:00:00", prompt="Fix it"), *(asked(name, "10:01:00", **notice) for name in ("p2", "p3"))]
    return planted(org, *by_hooks, *(asked(name, "10:02:00", telemetry=True) for name in ("p1", "p2", "p3")))


def _denied(org: Org, answer: str = "Some sentence of a new version.", **granted: Any) -> str:
    """Return a session with a tool call that required permission; unless granted, it did not run."""
    call = {"tool_name": "Bash", "tool_use_id": "d1", "tool_input": {"command": "rm -r yard"}}
    return planted(
        org,
        hook("PreToolUse", at("10:01:00"), **call),
        hook("PermissionRequest", at("10:01:01"), tool_name="Bash", tool_input=call["tool_input"]),
        *([hook("PostToolUse", at("10:01:02"), **call, **granted)] if granted else []),
        hook("PostToolBatch", at("10:01:03"), tool_calls=[{**call, "tool_response": answer}]),
    )


def _output_like_a_denial(org: Org) -> str:
    return _denied(org, "Permission to use the yard is granted.", tool_response={})


CASES: dict[Planted, tuple[str, str, Any, Any]] = {  # table, column, before and after
    _prompts_of_machines: ("sessions", "prompts", 3, 1),
    _denied: ("tasks", "status", "completed", "denied"),
    _output_like_a_denial: ("tasks", "status", "denied", "completed"),
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
    sentences = ("Permission to use Bash has been denied.", "rm in '/yard' needs approval.")
    twice = [asked(None, "10:00:01", prompt="Fix it"), asked("p1", "10:00:02", telemetry=True)]
    return [
        *(planted(org, *plain), planted(org, *plain, ended_at=None), planted(org, title="Given", branch="main")),
        *(_denied(org, sentence) for sentence in sentences),
        *(_denied(org, tool_response={}), planted(org, *twice)),
    ]


def test_new_rules_are_rolled_out_and_the_proof_shows_what_they_change(former: Installation) -> None:
    """Until the switch readers see the old numbers; after it, those of the new rules, and everything adds up."""
    org, operator = Org(former, "acme"), Operator(former)
    cases, same = {plant(org): changes for plant, changes in CASES.items()}, _unchanged(org)
    before, totals = _shown(org, [*cases, *same]), _analytics(org)
    assert operator.generations()["g1"]["fold_version"] == 4

    _upgrade(former)
    assert shown_by(former) == "g1"
    assert _shown(org, [*cases, *same]) == before
    assert _analytics(org) == totals
    added = org.create(started_at=at("10:00:00"))["id"]  # accepted while no projector follows the log
    operator.do("replay", "g2")
    said = former.command("prove", "g2")

    assert said.returncode == 1
    assert "sessions.prompts" in said.stdout
    found = operator.proof("g2")["differences"]
    changed = {one["key"]["session_id"]: (one["table"], one["column"], one["live"], one["proved"]) for one in found}
    assert changed == cases
    assert len(found) == len(cases)

    _switch_with_the_differences(operator, former)
    assert eventually(lambda: shown_by(former) == "g2")
    after = _shown(org, [*cases, *same, added])
    counted_anew = {id_ for id_, (table, *_) in cases.items() if table == "sessions"}
    assert {id_ for id_ in before if after[id_] != before[id_]} == counted_anew
    assert _analytics(org)[0]["total_sessions"] == totals[0]["total_sessions"] + 1
    assert operator.finds_nothing()
    operator.request("drop", "g1")


def _upgrade(former: Installation) -> None:
    """Start the current version. Tables of the former `up` have no rollup marks, like some real ones."""
    for statement in WITHOUT_MARKS if former.kind == "up" else ():
        opened(former).run(statement)
    assert former.stop() == 0
    former.environment["PYTHONPATH"] = str(CHECKOUT)
    former.start()


def _switch_with_the_differences(operator: Operator, target: Installation) -> None:
    """Switch with the command, which must accept the differences."""
    assert "--accept-differences" in operator.refused("switch", "g2")
    done = target.command("switch", "g2", "--accept-differences")
    assert done.returncode == 0, done.stdout + done.stderr
    (switch,) = operator.generations()["g2"]["switches"]
    assert (switch["accept_differences"], switch["requested_by"]) == (True, "cli")


def _shown(org: Org, ids: list[str]) -> dict[str, Any]:
    return {id_: org.data(f"sessions/{id_}") for id_ in ids}


def _analytics(org: Org) -> list[Any]:
    return [org.data(f"sessions/analytics/{name}", start_date="2026-01-20") for name in ("summary", "by-agent")]
