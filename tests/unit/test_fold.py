"""The counting rules, one by one. A case is a list of (event type, payload) and the values that a session must show."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from prices.price_list import list_prices
from processors.fold.fold import begin, fold
from processors.fold.state import SessionState
from processors.projections.records import facts_of
from processors.projections.sessions import session_row, status_of
from schemas.log.codec import decode
from schemas.log.records import (
    Actor,
    AnyRecord,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    SessionChanged,
    SessionCreated,
    SessionEnded,
)
from tests.support.agent_facts import BASE_MS, SESSIONS
from tests.support.strategies import log_of

Hook = tuple[str, dict[str, Any]]
COMMON: dict[str, Any] = {
    "v": 1,
    "record_id": UUID(int=1),
    "org_id": "acme",
    "session_id": SESSIONS[0],
    "actor": Actor("alice", "member"),
    "received_at": BASE_MS,
}


def hooks(*events: Hook) -> EventsRecorded:
    """Return hook events that are one second apart, each with a unique id."""
    return EventsRecorded(
        **COMMON,
        events=tuple(
            Event(UUID(int=1000 + n), kind, BASE_MS + n * 1000, msgspec.Raw(msgspec.json.encode(data)))
            for n, (kind, data) in enumerate(events)
        ),
    )


def folded(*facts: AnyRecord) -> SessionState:
    """Return the state after these facts, one record each."""
    state: SessionState | None = None
    for record in log_of(list(facts)):
        for row in facts_of(record, decode(record, 2)).rows:
            state = state or begin(row)
            fold(state, row)
    assert state is not None
    return state


PRE, POST, FAILURE, BATCH = "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch"
START, STOPPED, ASKED, DENIAL = "SubagentStart", "SubagentStop", "UserPromptSubmit", "PermissionDenied"
REFUSED = "<tool_use_error>Blocked</tool_use_error>"
MACHINE = "<task-notification>done</task-notification>"


def _hook(prompt_id: str | None = None, prompt: str = "Fix it") -> Hook:
    """Return a prompt that a hook reports."""
    return ASKED, {"prompt": prompt, **({"prompt_id": prompt_id} if prompt_id else {})}


def _otel(prompt_id: str | None = None, prompt: str | None = None) -> Hook:
    """Return a prompt that telemetry reports, by default without its text."""
    asked = _hook(prompt_id)[1] | {"prompt": prompt, "telemetry": True}
    return ASKED, {name: value for name, value in asked.items() if value is not None}


COUNTING: list[tuple[list[Hook], dict[str, int]]] = [
    ([(PRE, {"tool_use_id": "a"}), (POST, {"tool_use_id": "a"})], {"tool_calls": 1, "tool_errors": 0, "events": 2}),
    ([(POST, {"tool_use_id": "a"}), (PRE, {"tool_use_id": "a"})], {"tool_calls": 1}),
    ([(PRE, {}), (PRE, {}), (POST, {})], {"tool_calls": 2}),
    ([("PermissionDenied", {"tool_use_id": "a"})], {"tool_calls": 1, "tool_errors": 0}),
    ([("PermissionRequest", {"tool_name": "Bash"})], {"tool_calls": 0}),
    ([(BATCH, {"tool_calls": [{"tool_use_id": "a"}]})], {"tool_calls": 1, "tool_errors": 0}),
    ([(PRE, {"tool_use_id": "a"}), (BATCH, {"tool_calls": [{"tool_use_id": "a"}, {}, 7]})], {"tool_calls": 1}),
    ([(BATCH, {"tool_calls": [{"tool_use_id": "a", "tool_response": REFUSED}]})], {"tool_calls": 1, "tool_errors": 1}),
    ([(BATCH, {"tool_calls": [{"tool_use_id": "a", "tool_response": [{"text": REFUSED}]}]})], {"tool_errors": 1}),
    ([(BATCH, {"tool_calls": [{"tool_use_id": "a", "tool_response": f"no {REFUSED}"}]})], {"tool_errors": 0}),
    (
        [(FAILURE, {"tool_use_id": "a"}), (BATCH, {"tool_calls": [{"tool_use_id": "a", "tool_response": REFUSED}]})],
        {"tool_calls": 1, "tool_errors": 1},
    ),
    ([(BATCH, {"tool_calls": {"tool_use_id": "a"}})], {"tool_calls": 0, "events": 1}),
    ([(FAILURE, {"tool_use_id": "a"}), (FAILURE, {"tool_use_id": "a"})], {"tool_calls": 1, "tool_errors": 1}),
    ([(FAILURE, {}), (FAILURE, {})], {"tool_calls": 0, "tool_errors": 2}),
    ([("SubagentStart", {"agent_id": "x"}), ("Stop", {"agent_id": "y"})], {"subagents": 2}),
    ([("TaskCreated", {"task_id": "1"}), ("TaskCompleted", {"task_id": "1"})], {"tasks": 1}),
    ([("TaskCreated", {}), ("Stop", {"task_id": "1"})], {"tasks": 0}),
    ([(START, {"agent_id": "x"}), (STOPPED, {"agent_id": "x", "agent_type": ""})], {"subagents": 1}),
    ([(STOPPED, {"agent_id": "x", "agent_type": ""}), (PRE, {"agent_id": "x"})], {"subagents": 1}),
    ([(STOPPED, {"agent_id": "x", "agent_type": ""}), (STOPPED, {"agent_id": "y"})], {"subagents": 1, "events": 2}),
    ([(STOPPED, {"agent_id": "x", "agent_type": "Plan"})], {"subagents": 1}),
    ([(ASKED, {"prompt": "x"}), (ASKED, {})], {"prompts": 2}),
    ([(ASKED, {"source": "user"}), (ASKED, {"source": "sdk"}), (ASKED, {"source": "system"})], {"prompts": 2}),
    ([(ASKED, {"prompt": "<task-notification>"}), (ASKED, {"prompt": "a <task-notification>"})], {"prompts": 1}),
    ([(ASKED, {"agent_id": "x"})], {"prompts": 0, "subagents": 1}),
    ([(ASKED, {}), (ASKED, {"telemetry": True})], {"prompts": 1, "events": 2}),
    ([(ASKED, {}), (ASKED, {"telemetry": True}), (ASKED, {"telemetry": True})], {"prompts": 2}),
    ([(ASKED, {}), (ASKED, {"telemetry": "yes"})], {"prompts": 2}),
    # Prompts with ids are joined by them, and hooks decide.
    ([_hook("1"), _otel("1"), _hook("2", MACHINE), _otel("2"), _hook("3", MACHINE), _otel("3")], {"prompts": 1}),
    ([_otel("1"), _otel("2"), _hook("1"), _hook("2", MACHINE)], {"prompts": 1}),
    ([_hook("1"), _otel("1", MACHINE)], {"prompts": 1}),
    ([_hook("1"), _otel("2")], {"prompts": 2}),
    ([_hook("1"), _otel("2", MACHINE)], {"prompts": 1}),
    ([_hook("1", MACHINE), _otel("1"), _otel("1")], {"prompts": 0}),
    ([_hook("1"), _hook("1"), _otel("1")], {"prompts": 2}),
    ([_otel("1"), _otel("2"), _hook(), _hook()], {"prompts": 2}),
    ([_hook("1"), _hook("2"), _otel(), _otel(), _otel()], {"prompts": 3}),
    ([_hook("1"), _hook(), _otel("1"), _otel("2"), _otel("3")], {"prompts": 3}),
    ([_hook("1"), _hook(), _otel("2"), _otel()], {"prompts": 2}),
    ([_hook("x" * 129), _otel("x" * 129), _otel("y" * 129)], {"prompts": 2}),
    ([(ASKED, {"prompt_id": 7}), (ASKED, {"prompt_id": 7, "telemetry": True})], {"prompts": 1}),
    ([("PreCompact", {}), ("PostCompact", {})], {"compactions": 1, "unknown_events": 0}),
    ([("PreCompact", {}), ("PostCompact", {"telemetry": True})], {"compactions": 1}),
    ([("PostCompact", {"telemetry": True}), ("PostCompact", {"telemetry": True})], {"compactions": 2}),
    ([("NewInNextRelease", {})], {"unknown_events": 1, "events": 1}),
    (
        [(kind, {}) for kind in ("PreSkillShellCommand", "BeforeModel", "PermissionModeChanged", "ApiError")],
        {"unknown_events": 0},
    ),
    # Without ids, hooks and telemetry count calls of a tool separately: the higher count is right.
    ([(PRE, {}), (PRE, {}), (POST, {"telemetry": True})], {"tool_calls": 2}),
    ([(PRE, {}), *[(POST, {"telemetry": True})] * 2, (FAILURE, {"telemetry": True})], {"tool_calls": 3}),
    ([(FAILURE, {}), (FAILURE, {"telemetry": True}), (FAILURE, {"telemetry": True})], {"tool_errors": 2}),
    ([(PRE, {"tool_name": "Bash"}), (POST, {"tool_name": "Edit", "telemetry": True})], {"tool_calls": 2}),
    ([("ApiError", {}), ("ApiError", {"status": 529})], {"api_errors": 2, "api_requests": 0}),
    ([(PRE, {"tool_use_id": 7, "tool_name": ["x"]})], {"tool_calls": 1, "events": 1}),
]


@pytest.mark.parametrize(("events", "expected"), COUNTING)
def test_counting_rules(events: list[Hook], expected: dict[str, int]) -> None:
    """Each case shows events that count, count once, or do not count."""
    state = folded(hooks(*events))

    row = session_row(state, list_prices())
    assert {name: getattr(row, name) for name in expected} == expected


def test_use_of_tools_is_counted_by_name_with_the_first_duration_of_each_use() -> None:
    """A call that is reported twice has the duration of the first report."""
    state = folded(
        hooks(
            (PRE, {"tool_name": "Bash", "tool_use_id": "a"}),
            (POST, {"tool_name": "Bash", "tool_use_id": "a", "duration_ms": 5}),
            (POST, {"tool_name": "Bash", "tool_use_id": "a", "duration_ms": 50}),
            (FAILURE, {"tool_name": "Edit", "tool_use_id": "b", "duration_ms": 7.4}),
        )
    )

    rows = session_row(state, list_prices()).tools
    assert rows == [("Bash", 1, 0, 5), ("Edit", 1, 1, 7)]


def test_a_half_without_its_partner_still_has_a_status() -> None:
    """Without its end a call is running; without its start, or only named, it is unknown; a failure needs no start."""
    state = folded(
        hooks(
            (PRE, {"tool_use_id": "running"}),
            (PRE, {"tool_use_id": "completed"}),
            (POST, {"tool_use_id": "completed"}),
            (POST, {"tool_use_id": "unknown"}),
            (FAILURE, {"tool_use_id": "failed"}),
            ("Stop", {"agent_id": "unknown agent"}),
        )
    )

    tasks = [*state.uses.values(), *state.agents.values()]
    assert {task.task_id: status_of(task) for task in tasks} == {
        name: name.split()[0] for name in ("running", "completed", "unknown", "failed", "unknown agent")
    }


def test_an_agents_uses_of_tools_are_counted_like_the_sessions() -> None:
    """Calls count once per id, whichever half names the agent; starts without an id count each time."""
    state = folded(
        hooks(
            (PRE, {"tool_use_id": "a", "agent_id": "x"}),
            (POST, {"tool_use_id": "a", "agent_id": "x"}),
            (PRE, {"tool_use_id": "b"}),
            (POST, {"tool_use_id": "b", "agent_id": "x"}),
            (PRE, {"agent_id": "x"}),
            (POST, {"agent_id": "x"}),
            (PRE, {"tool_use_id": "c"}),
        )
    )

    assert state.agents["x"].tool_calls == 3
    assert {use.task_id: use.parent for use in state.uses.values()} == {"a": "x", "b": "x", "c": ""}


def test_the_first_end_wins_and_a_later_one_may_bring_newer_totals() -> None:
    """`ended_at` and `outcome` stay; the summary and totals are replaced."""
    usage = ModelUsage(model="m", input_tokens=5, cost_nano=1)
    state = folded(
        SessionEnded(**COMMON, fact_id=UUID(int=1), outcome="failure", ended_at=BASE_MS + 5),
        SessionEnded(
            **COMMON, fact_id=UUID(int=2), outcome="success", summary="s", report=MetricsReport(models=(usage,))
        ),
    )

    assert (state.outcome, state.ended_at, state.summary) == ("failure", BASE_MS + 5, "s")
    assert session_row(state, list_prices()).input_tokens == 5


def test_an_end_before_the_start_counts_as_the_start() -> None:
    """A duration is never below 0."""
    state = folded(
        SessionCreated(**COMMON, fact_id=UUID(int=1), run_id=UUID(int=2), started_at=BASE_MS),
        SessionEnded(**COMMON, fact_id=UUID(int=3), ended_at=BASE_MS - 1000),
    )

    assert session_row(state, list_prices()).duration_ms == 0


def test_a_report_of_an_earlier_moment_does_not_replace_a_later_one() -> None:
    """`reported_at` shows that a delayed copy of an old report is older."""
    state = folded(*[_report(n, at, n) for n, at in ((1, 10), (2, 30), (3, 20))])

    assert session_row(state, list_prices()).input_tokens == 2


def test_without_reported_at_the_later_report_in_the_log_counts() -> None:
    """Running totals are replaced, never added up."""
    state = folded(_report(1, None, 1), _report(2, None, 2))

    assert session_row(state, list_prices()).input_tokens == 2


def test_a_report_without_a_model_belongs_to_the_model_the_session_turns_out_to_have() -> None:
    """The model comes from the create, else from the last SessionStart that has one, else it is empty."""
    report = MetricsReported(**COMMON, fact_id=UUID(int=1), report=MetricsReport(models=(ModelUsage(input_tokens=9),)))
    start = hooks(("SessionStart", {"model": "claude-opus-4-5"}), ("SessionStart", {}))

    assert [m.model for m in session_row(folded(report), list_prices()).models] == [""]
    assert [m.model for m in session_row(folded(report, start), list_prices()).models] == ["claude-opus-4-5"]


def test_cost_is_the_clients_own_figure_or_follows_from_the_price_list() -> None:
    """1,000 input tokens of Sonnet at 3 dollars per million are 3,000,000 nano-dollars; an unknown model is free."""
    models = (
        ModelUsage(model="claude-sonnet-4-5", input_tokens=1000),
        ModelUsage(model="claude-opus-4-5", input_tokens=1000, cost_nano=7),
        ModelUsage(model="who", input_tokens=1000),
    )
    state = folded(MetricsReported(**COMMON, fact_id=UUID(int=1), report=MetricsReport(models=models)))

    row = session_row(state, list_prices())
    assert [(m.cost_nano, m.cost_source) for m in row.models] == [
        (3_000_000, "priced"),
        (7, "reported"),
        (0, "unknown"),
    ]
    assert row.cost_nano == 3_000_007


def test_null_clears_a_field_and_an_absent_one_stays() -> None:
    """A PATCH of the title does not change the agent's name."""
    state = folded(
        SessionCreated(**COMMON, fact_id=UUID(int=1), run_id=UUID(int=2), title="t", agent_name="a"),
        SessionChanged(**COMMON, fact_id=UUID(int=3), title=None),
    )

    assert (state.title, state.agent_name) == (None, "a")


def test_a_create_that_comes_late_does_not_undo_what_was_changed_before_it() -> None:
    """Records can overtake one another on their way to the log; the owner is always the create's."""
    state = folded(
        SessionChanged(**{**COMMON, "actor": Actor("bob", "member")}, fact_id=UUID(int=3), title="changed"),
        SessionCreated(**COMMON, fact_id=UUID(int=1), run_id=UUID(int=2), title="created", agent_name="a"),
    )

    assert (state.title, state.agent_name, state.user_id) == ("changed", "a", "alice")


def _report(fact_id: int, reported_at: int | None, tokens: int) -> MetricsReported:
    at = None if reported_at is None else BASE_MS + reported_at
    report = MetricsReport(models=(ModelUsage(model="m", input_tokens=tokens),), reported_at=at)
    return MetricsReported(**COMMON, fact_id=UUID(int=fact_id), report=report)
