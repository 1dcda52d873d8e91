"""A stripped session has the counts of a full one, and nothing that a user or a tool wrote.

The counting here follows the rules in the API's reference, using only the payloads.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from agents.claude_code.hooks import DENIED, MACHINE_PROMPT, REFUSED
from ingest.privacy.metadata_only import strip_event
from schemas.log.records import Event

KEY = b"a key of the tests"
TYPES = (
    *("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "PostToolBatch"),
    *("SubagentStart", "SubagentStop", "TaskCreated", "TaskCompleted", "Stop", "SessionStart", "PostCompact"),
    *("ApiRequest", "ApiError", "Measurement", "PostModelSwitch", "Notification"),
)
CONTENT = "gooseberry"
ids = st.sampled_from(["toolu_1", "call_2", "two words", f"{CONTENT} jam", "é", "", "x" * 200, None, 7])
numbers = st.sampled_from([0, 1, 17, 2.5, 1 << 40, None, "many", -1])
texts = st.sampled_from([f"{CONTENT} pie", "", "<task-notification> done", "<tool_use_error>no", *DENIED, None, 5])
answers = texts.map(lambda text: f"{text}{CONTENT}" if isinstance(text, str) else text) | st.just([{"text": CONTENT}])
calls = st.fixed_dictionaries(
    {}, optional={"tool_use_id": ids, "tool_name": ids, "tool_response": answers, "tool_input": st.just(CONTENT)}
)
responses = st.fixed_dictionaries(
    {}, optional={"agentId": ids, "agentType": ids, "status": ids, "backgroundTaskId": ids, "content": st.just(CONTENT)}
)
background = st.fixed_dictionaries({}, optional={"id": ids, "status": ids, "description": st.just(CONTENT)})
FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("tool_use_id", "agent_id", "agent_type", "task_id", "tool_name", "model", "request_id"), ids),
    **dict.fromkeys(("session_id", "prompt_id", "turn_id", "to_model", "series"), ids),
    **dict.fromkeys(
        ("input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "value", "duration_ms"), numbers
    ),
    **dict.fromkeys(("prompt", "session_title", "last_assistant_message", "error"), texts),
    "source": st.sampled_from(["user", "sdk", "system", "loop_wakeup", "brand_new", "a person", "", None, 3]),
    "name": st.sampled_from(["lines_added", "commits", CONTENT]),
    "telemetry": st.sampled_from([True, False, "true"]),
    "cumulative": st.sampled_from([True, False]),
    "interval_end": st.sampled_from([1_768_905_000_000, "2026-01-20T10:30:00.000Z"]),
    "tool_calls": st.lists(calls | st.just(CONTENT), max_size=3) | st.just(CONTENT),
    "tool_response": responses | st.just(CONTENT) | st.just([CONTENT]),
    "background_tasks": st.lists(background, max_size=2) | st.none(),
    "tool_input": st.just({"command": CONTENT}),
}
payloads = st.fixed_dictionaries({}, optional=FIELDS)
whole_calls = st.fixed_dictionaries({"tool_use_id": ids, "tool_response": answers})
batches = st.fixed_dictionaries({"tool_calls": st.lists(whole_calls, min_size=1, max_size=3)})
prompts = st.fixed_dictionaries({"prompt": texts}, optional={"source": FIELDS["source"]})
events = st.one_of(
    st.tuples(st.sampled_from(TYPES), payloads),
    st.tuples(st.just("PostToolBatch"), batches),
    st.tuples(st.just("UserPromptSubmit"), prompts),
)
sessions = st.lists(events, max_size=12)
OF_TOOLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
NUMBERS = ("input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "value", "duration_ms")
IDS = (
    *("agent_id", "agent_type", "task_id", "model", "request_id", "session_id", "prompt_id", "turn_id"),
    *("to_model", "series"),
)
Payloads = Sequence[tuple[str, Mapping[str, Any]]]


def stripped(session: Payloads) -> Payloads:
    full = [Event(UUID(int=1), kind, 0, Raw(json.dumps(data).encode())) for kind, data in session]
    return [(event.event_type, json.loads(bytes(strip_event(event, KEY).data))) for event in full]


def text(value: Any) -> str | None:
    """Return a text if there is one: other types and empty texts count as absent."""
    return value if isinstance(value, str) and value else None


def begins(value: Any, beginning: str) -> bool:
    return isinstance(value, str) and value.startswith(beginning)


def number(value: Any) -> float:
    return value if type(value) in (int, float) and value >= 0 else 0


def parts(value: Any) -> Iterable[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def as_numbers(values: Iterable[Any]) -> list[int]:
    """Replace each value by the place of its first equal: names may be replaced, but equal ones stay equal."""
    known: dict[Any, int] = {}
    return [known.setdefault(value, len(known)) for value in values]


def is_prompt(kind: str, data: Mapping[str, Any]) -> bool:
    """Return whether a user wrote it."""
    by_machine = text(data.get("source")) not in (None, "user", "sdk") or begins(data.get("prompt"), MACHINE_PROMPT)
    return kind == "UserPromptSubmit" and not by_machine and not text(data.get("agent_id"))


def answered(call: Mapping[str, Any]) -> str:
    """Return what the answer in a PostToolBatch says about the call."""
    return next((begin for begin in (REFUSED, *DENIED) if begins(call.get("tool_response"), begin)), "")


def uses_of(kind: str, data: Mapping[str, Any]) -> list[tuple[str | None, str]]:
    """Return the tool calls that an event names, each with its outcome."""
    if kind == "PostToolBatch":
        calls = [(text(call.get("tool_use_id")), answered(call)) for call in parts(data.get("tool_calls"))]
        return [call for call in calls if call[0]]
    return [(text(data.get("tool_use_id")), kind)] if kind in OF_TOOLS else []


def linked(data: Mapping[str, Any]) -> list[Any]:
    """Return what an event says about agents, tasks and background processes."""
    response = data.get("tool_response")
    names = ("agentId", "agentType", "backgroundTaskId", "status")
    found = [(name, text(response.get(name))) for name in names] if isinstance(response, dict) else []
    for task in parts(data.get("background_tasks")):
        found += [(name, text(task.get(name))) for name in ("id", "status")]
    found += [(name, text(data.get(name))) for name in IDS]
    return [link for link in found if link[1]]


def counts(session: Payloads) -> dict[str, Any]:
    """Return everything that the rules count. Names are numbered: they may be replaced, but stay equal or different."""
    uses = [use for kind, data in session for use in uses_of(kind, data)]
    return {
        "prompts": sum(is_prompt(kind, data) for kind, data in session),
        "uses": [happened for _, happened in uses],
        "ids of uses": as_numbers(use_id for use_id, _ in uses),
        "without an id": [use_id is None for use_id, _ in uses],
        "names": as_numbers(link for _, data in session for link in linked(data)),
        "are there": [text(data.get(name)) is not None for _, data in session for name in IDS],
        "numbers": [number(data.get(name)) for _, data in session for name in NUMBERS],
        "measured": [data.get("name") if data.get("name") != CONTENT else None for _, data in session],
        "flags": [(data.get("telemetry") is True, data.get("cumulative") is True) for _, data in session],
        "intervals": [data.get("interval_end") for _, data in session],
    }


@given(sessions)
def test_a_stripped_session_has_the_counts_of_a_full_one(session: Payloads) -> None:
    """Prompts, tool calls, errors, subagents, tasks, usage and work are counted alike; equal names stay equal."""
    assert counts(stripped(session)) == counts(session)


@given(sessions)
def test_nothing_of_what_was_written_stays(session: Payloads) -> None:
    """No text of a user, a model or a tool is left anywhere in the payloads, and stripping again changes nothing."""
    once = stripped(session)

    assert CONTENT not in json.dumps(once)
    assert stripped(once) == once
