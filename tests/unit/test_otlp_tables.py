"""The events that each client's records become: the type and the whole payload of each."""

from typing import Any

import msgspec
import pytest

from agents.exported import Exported
from ingest.intake.otlp.from_json import decode_logs, decode_metrics
from ingest.intake.otlp.gather import Gathered, gather_logs, gather_metrics
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.log.records import Event
from tests.support.clients.otlp import AT_NS, NS, SESSION, claude_record, logs, metrics, point, record
from tests.support.rigs.agent_write import CONTEXT, session_of
from tests.support.rigs.write_api import NOW_MS

TOOL = {"tool_name": "Bash", "tool_use_id": "toolu_1"}
REQUEST: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "input_tokens": 4,
    "output_tokens": 120,
    "cache_read_tokens": 7,
    "cache_creation_tokens": 14_400,
    "cache_creation_1h_tokens": 14_000,
    "cost_usd": 0.116416,
    "duration_ms": 380,
    "ttft_ms": 218,
    "request_id": "req_1",
}
CLAUDE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "a request": (
        claude_record("api_request", **REQUEST, query_source="sdk", cost_usd_micros=116_416, prompt__id="p1"),
        "ApiRequest",
        {**REQUEST, "source": "sdk", "prompt_id": "p1"},
    ),
    "a request of a subagent": (
        claude_record("api_request", **REQUEST, agent_id="a1", agent__name="Explore", query_source="agent:Explore"),
        "ApiRequest",
        {**REQUEST, "agent_id": "a1", "agent_type": "Explore", "source": "agent:Explore"},
    ),
    "numbers as text": (
        claude_record("api_request", input_tokens="4", output_tokens="x", cost_usd="0.5", duration_ms="1e999"),
        "ApiRequest",
        {"input_tokens": 4, "cost_usd": 0.5},
    ),
    "an error": (
        claude_record("api_error", model="m", status_code="529", attempt=3, error="overloaded", duration_ms=9),
        "ApiError",
        {"model": "m", "status": 529, "attempt": 3, "error": "overloaded", "duration_ms": 9},
    ),
    "an accepted tool": (
        claude_record("tool_decision", decision="accept", source="config", permission_mode="plan", **TOOL),
        "PreToolUse",
        {**TOOL, "permission_mode": "plan"},
    ),
    "a refused tool": (
        claude_record("tool_decision", decision="reject", source="user_reject", **TOOL),
        "PermissionDenied",
        {**TOOL, "reason": "user_reject"},
    ),
    "a tool that worked": (
        claude_record("tool_result", success="true", duration_ms="63", tool_input='{"command": "ls"}', **TOOL),
        "PostToolUse",
        {**TOOL, "duration_ms": 63, "tool_input": {"command": "ls"}},
    ),
    "a tool that failed": (
        claude_record("tool_result", success="false", duration_ms="9", error="Shell command failed", **TOOL),
        "PostToolUseFailure",
        {**TOOL, "duration_ms": 9, "error": "Shell command failed"},
    ),
    "a failure with a boolean": (
        claude_record("tool_result", success=False, error_type="ShellError", **TOOL),
        "PostToolUseFailure",
        {**TOOL, "error": "ShellError"},
    ),
    "an input that is cut off": (
        claude_record("tool_result", success="true", tool_input='{"command": "l', **TOOL),
        "PostToolUse",
        {**TOOL, "tool_input": '{"command": "l'},
    ),
    "an input with half an emoji": (
        claude_record("tool_result", success="true", tool_input='{"a": "\\ud83d"}', **TOOL),
        "PostToolUse",
        {**TOOL, "tool_input": {"a": "\ufffd"}},
    ),
    "a subagent": (
        claude_record("subagent_completed", agent_id="a1", agent_type="Explore", duration_ms=885, total_tokens=4_033),
        "SubagentStop",
        {"agent_id": "a1", "agent_type": "Explore", "duration_ms": 885, "total_tokens": 4_033},
    ),
    "a compaction": (
        claude_record("compaction", success="true", trigger="auto", pre_tokens=9, post_tokens=3, duration_ms=5),
        "PostCompact",
        {"trigger": "auto", "pre_tokens": 9, "post_tokens": 3, "duration_ms": 5},
    ),
    "a mode": (
        claude_record("permission_mode_changed", from_mode="default", to_mode="plan", trigger="shift_tab"),
        "PermissionModeChanged",
        {"from_mode": "default", "to_mode": "plan", "trigger": "shift_tab"},
    ),
    "a prompt": (
        claude_record("user_prompt", prompt_length="5", prompt="hello", prompt__id="p1"),
        "UserPromptSubmit",
        {"prompt_length": 5, "prompt": "hello", "prompt_id": "p1"},
    ),
    "a withheld prompt": (
        claude_record("user_prompt", prompt_length="5", prompt="<REDACTED>"),
        "UserPromptSubmit",
        {"prompt_length": 5},
    ),
    "an older name": (
        claude_record("claude_code.user_prompt", prompt_length=5),
        "UserPromptSubmit",
        {"prompt_length": 5},
    ),
}


def codex_record(name: str, **values: Any) -> dict[str, Any]:
    """Return a log record of Codex: its time is that of observation, and every value is text."""
    given = {"conversation.id": SESSION, "app.version": "0.169.0", "originator": "codex_exec", **values}
    found = record(f"codex.{name}", **given)
    return {**found, "timeUnixNano": "0", "observedTimeUnixNano": str(AT_NS), "body": None}


CODEX = {
    "a start": (
        codex_record("conversation_starts", model="gpt"),
        "SessionStart",
        {"source": "startup", "model": "gpt"},
    ),
    "a prompt": (
        codex_record("user_prompt", prompt_length="5", prompt="hello"),
        "UserPromptSubmit",
        {"prompt_length": 5, "prompt": "hello"},
    ),
    "a withheld prompt": (
        codex_record("user_prompt", prompt_length="5", prompt="[REDACTED]"),
        "UserPromptSubmit",
        {"prompt_length": 5},
    ),
    "a response": (
        codex_record(
            "sse_event",
            event__kind="response.completed",
            model="gpt",
            ttft_ms=12,
            input_token_count="9000",
            output_token_count="90",
            cached_token_count=5_000,
            cache_write_token_count=100,
            reasoning_token_count=30,
        ),
        "ApiRequest",
        {
            "model": "gpt",
            "input_tokens": 3_900,
            "output_tokens": 90,
            "cache_read_tokens": 5_000,
            "cache_creation_tokens": 100,
            "ttft_ms": 12,
        },
    ),
    "a failed call": (
        codex_record("api_request", http__response__status_code="500", attempt="2", model="gpt", duration_ms="7"),
        "ApiError",
        {"model": "gpt", "status": 500, "attempt": 2, "duration_ms": 7},
    ),
    "a failed stream": (
        codex_record("sse_event", event__kind="response.failed", error__message="idle", model="gpt"),
        "ApiError",
        {"model": "gpt", "error": "idle"},
    ),
    "an approved tool": (
        codex_record("tool_decision", tool_name="shell", call_id="call_1", decision="approved_for_session"),
        "PreToolUse",
        {"tool_name": "shell", "tool_use_id": "call_1"},
    ),
    "a denied tool": (
        codex_record("tool_decision", tool_name="shell", call_id="call_1", decision="denied"),
        "PermissionDenied",
        {"tool_name": "shell", "tool_use_id": "call_1", "reason": "denied"},
    ),
    "a tool that worked": (
        codex_record(
            "tool_result",
            tool_name="shell",
            call_id="call_1",
            success="true",
            duration_ms="4",
            arguments='{"command": ["ls"]}',
            output="a",
        ),
        "PostToolUse",
        {"tool_name": "shell", "tool_use_id": "call_1", "duration_ms": 4, "tool_input": {"command": ["ls"]}},
    ),
    "a tool that failed": (
        codex_record(
            "tool_result",
            tool_name="apply_patch",
            call_id="call_1",
            success="false",
            arguments="*** Begin",
            output="x" * 3_000,
        ),
        "PostToolUseFailure",
        {"tool_name": "apply_patch", "tool_use_id": "call_1", "tool_input": "*** Begin", "error": "x" * 2_000},
    ),
}


def gemini_record(name: str, **values: Any) -> dict[str, Any]:
    """Return a log record of Gemini CLI."""
    return record(f"gemini_cli.{name}", **{"session.id": SESSION, "interactive": True, **values})


GEMINI = {
    "a prompt": (
        gemini_record("user_prompt", prompt_length=5, prompt_id="p1", prompt="hello"),
        "UserPromptSubmit",
        {"prompt_length": 5, "prompt_id": "p1", "prompt": "hello"},
    ),
    "a response": (
        gemini_record(
            "api_response",
            model="gemini",
            duration_ms=215,
            input_token_count=8_000,
            output_token_count=60,
            role="main",
            cached_content_token_count=3_000,
            thoughts_token_count=40,
            finish_reasons=["stop"],
            prompt_id="p1",
        ),
        "ApiRequest",
        {
            "model": "gemini",
            "duration_ms": 215,
            "input_tokens": 5_000,
            "output_tokens": 100,
            "cache_read_tokens": 3_000,
            "source": "main",
            "prompt_id": "p1",
        },
    ),
    "an error": (
        gemini_record("api_error", model="gemini", status_code="429", error="quota", error_type="ApiError"),
        "ApiError",
        {"model": "gemini", "status": 429, "error": "quota"},
    ),
    "a tool that worked": (
        gemini_record(
            "tool_call", function_name="glob", success=True, decision="accept", duration_ms=88, function_args='{"a": 1}'
        ),
        "PostToolUse",
        {"tool_name": "glob", "duration_ms": 88, "tool_input": {"a": 1}},
    ),
    "a tool that failed": (
        gemini_record("tool_call", function_name="glob", success=False, error="no such path", error_type="x"),
        "PostToolUseFailure",
        {"tool_name": "glob", "error": "no such path"},
    ),
    "a refused tool": (
        gemini_record("tool_call", function_name="glob", success=False, decision="reject"),
        "PermissionDenied",
        {"tool_name": "glob", "reason": "reject"},
    ),
    "a compaction": (
        gemini_record("chat_compression", tokens_before=9, tokens_after=3),
        "PostCompact",
        {"pre_tokens": 9, "post_tokens": 3},
    ),
    "a subagent that began": (
        gemini_record("agent.start", agent_id="a1", agent_name="x"),
        "SubagentStart",
        {"agent_id": "a1", "agent_type": "x"},
    ),
    "a subagent": (
        gemini_record("agent.finish", agent_id="a1", agent_name="x", duration_ms=3),
        "SubagentStop",
        {"agent_id": "a1", "agent_type": "x", "duration_ms": 3},
    ),
    "a mode": (
        gemini_record("approval_mode_switch", from_mode="default", to_mode="plan"),
        "PermissionModeChanged",
        {"from_mode": "default", "to_mode": "plan"},
    ),
}

ALL = [
    pytest.param(service, *row, id=f"{service}: {name}")
    for service, table in (("claude-code", CLAUDE), ("codex_cli_rs", CODEX), ("gemini-cli", GEMINI))
    for name, row in table.items()
]


def gathered_logs(body: Any) -> Gathered:
    return gather_logs(decode_logs(msgspec.json.encode(body)), CONTEXT)


def gathered_metrics(body: Any) -> Gathered:
    return gather_metrics(decode_metrics(msgspec.json.encode(body)), CONTEXT)


def events_of(gathered: Gathered) -> list[Event]:
    return [fact for session in gathered.sessions for fact in session.facts if isinstance(fact, Event)]


@pytest.mark.parametrize(("service", "sent", "event_type", "data"), ALL)
def test_each_record_that_is_kept(service: str, sent: Any, event_type: str, data: dict[str, Any]) -> None:
    """The payload contains what is listed, the mark of telemetry, and nothing else."""
    found = gathered_logs(logs([sent], service))

    (event,) = events_of(found)
    assert (event.event_type, event.timestamp) == (event_type, NOW_MS)
    assert msgspec.json.decode(event.data) == {"telemetry": True, **data}
    assert event_type in KNOWN_EVENT_TYPES
    assert found.outcomes == {"accepted": 1}
    assert bytes(event.data) == found.payloads


NOISE = [
    *(("claude-code", claude_record(name)) for name in ("hook_registered", "plugin_loaded", "assistant_response")),
    ("claude-code", claude_record("compaction", success="false")),
    ("claude-code", claude_record("tool_decision", decision="")),
    ("claude-code", {"body": {"stringValue": "claude_code.hook_execution_start"}}),
    ("codex_exec", codex_record("sse_event", event__kind="response.completed", duration_ms="0")),
    ("codex_exec", codex_record("sse_event", event__kind="response.output_text.delta")),
    ("codex_exec", codex_record("api_request", http__response__status_code=200)),
    ("codex_exec", {"timeUnixNano": "0", "body": {"stringValue": "flushing OTEL metrics"}}),
    ("gemini-cli", gemini_record("config")),
    ("gemini-cli", gemini_record("api_request", request_text="x")),
    ("gemini-cli", {}),
]


@pytest.mark.parametrize(("service", "sent"), NOISE)
def test_noise_is_counted_and_dropped(service: str, sent: Any) -> None:
    """It needs no session."""
    assert gathered_logs(logs([sent], service)) == Gathered([], b"", {"noise": 1})


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (logs([record("api_request", **{"session.id": SESSION})], "checkout"), "unknown_service"),
        (logs([record("api_request", **{"session.id": SESSION})], None), "unknown_service"),
        (logs([record("api_request", request_id="r")]), "no_session"),
        (logs([record("api_request", **{"session.id": "a\nb"})]), "no_session"),
        (logs([record("api_request", **{"session.id": "x" * 401})]), "no_session"),
        (logs([record("api_request", **{"session.id": 7})]), "no_session"),
        (logs([claude_record("api_request", at_ns=1)]), "time_out_of_range"),
        (logs([claude_record("api_request", at_ns=AT_NS + 86_401 * 1_000 * NS)]), "time_out_of_range"),
        (logs([claude_record("api_request", at_ns=0)]), "time_out_of_range"),
        (logs([claude_record("user_prompt", prompt="x" * 1_048_576)]), "too_large"),
    ],
)
def test_each_reason_to_refuse_a_record(body: Any, outcome: str) -> None:
    """The reason is named, and valid neighbours are stored."""
    body["resourceLogs"] += logs([claude_record("user_prompt")])["resourceLogs"]

    found = gathered_logs(body)

    assert found.outcomes == {outcome: 1, "accepted": 1}
    assert [event.event_type for event in events_of(found)] == ["UserPromptSubmit"]


def test_a_record_that_can_not_be_decoded_is_too_large() -> None:
    """Its neighbours are stored."""
    found = gather_logs([Exported({"service.name": "claude-code"}, [None])], CONTEXT)

    assert found.outcomes == {"too_large": 1}


def test_the_time_of_a_record_without_one() -> None:
    """The time of observation comes first, then the attribute."""
    stamped = {"event.timestamp": "2026-01-20T10:29:00Z"}
    observed = {**claude_record("user_prompt", at_ns=0), "observedTimeUnixNano": (AT_NS - NS)}
    body = logs([observed, claude_record("user_prompt", at_ns=0, **stamped)])

    assert [event.timestamp for event in events_of(gathered_logs(body))] == [NOW_MS - 1, NOW_MS - 60_000]


def test_the_client_is_found_by_the_prefix_of_a_name() -> None:
    """A collector may send its own service name."""
    records = [
        codex_record("user_prompt"),
        gemini_record("user_prompt"),
        {**claude_record("user_prompt"), "body": {"stringValue": "claude_code.user_prompt"}},
    ]

    found = gathered_logs(logs(records, "collector"))

    names = ("codex", "gemini-cli", "claude-code")
    assert [session.session for session in found.sessions] == [session_of(SESSION, name) for name in names]


def test_what_is_said_about_the_client() -> None:
    """Gemini's service version is that of Node.js; `codex exec` runs without a user."""
    found = [
        gathered_logs(logs([sent], service, "v20.20.2")).sessions[0].said
        for service, sent in (
            ("claude-code", claude_record("user_prompt")),
            ("codex_exec", codex_record("user_prompt")),
            ("gemini-cli", gemini_record("user_prompt")),
        )
    ]

    assert [(said.client_version, said.attended) for said in found] == [
        ("v20.20.2", None),
        ("0.169.0", False),
        (None, True),
    ]


def test_records_of_several_sessions_are_grouped() -> None:
    """Each session has its events in order; the session may be an attribute of the resource."""
    records = [claude_record("user_prompt", number, **{"session.id": f"s{number % 2}"}) for number in range(6)]
    body = logs(records)
    other = logs([record("api_request", request_id="r")])
    other["resourceLogs"][0]["resource"]["attributes"].append({"key": "session.id", "value": {"stringValue": "s2"}})
    body["resourceLogs"] += other["resourceLogs"]

    found = gathered_logs(body)

    assert [session.session for session in found.sessions] == [session_of(name) for name in ("s0", "s1", "s2")]
    assert [len(session.facts) for session in found.sessions] == [3, 3, 1]


def test_a_request_to_a_model_counts_once_by_its_id() -> None:
    """A later record about it with another number is the same event; without an id it is another event."""
    records = [
        claude_record("api_request", sequence, AT_NS - sequence, **{"request_id": "r"} if known else {})
        for sequence in (1, 2)
        for known in (True, False)
    ]

    found = events_of(gathered_logs(logs(records)))

    assert len({event.event_id for event in found}) == 3
    assert found[0].event_id == found[2].event_id


def test_a_sequence_begins_anew_with_each_process() -> None:
    """So the number is not an identity by itself: a resumed session uses it again at another time."""
    records = [claude_record("user_prompt", 1, AT_NS - later) for later in (0, 1)]

    assert len({event.event_id for event in events_of(gathered_logs(logs(records)))}) == 2


MEASURED = {
    "lines_of_code.count": ({"type": "added"}, "lines_added"),
    "commit.count": ({}, "commits"),
    "pull_request.count": ({}, "pull_requests"),
    "active_time.total": ({"type": "cli"}, "active_seconds"),
}


@pytest.mark.parametrize("metric", MEASURED)
def test_each_metric_that_is_kept(metric: str) -> None:
    """A delta is a separate amount; whole amounts are integers."""
    values, name = MEASURED[metric]

    found = gathered_metrics(metrics({f"claude_code.{metric}": [point(2.0, **values), point(1.5, **values)]}))

    assert [msgspec.json.decode(event.data) for event in events_of(found)] == [
        {"telemetry": True, "name": name, "value": value, "interval_end": "2026-01-20T10:30:00.000Z"}
        for value in (2, 1.5)
    ]
    assert isinstance(msgspec.json.decode(events_of(found)[0].data)["value"], int)


def test_cumulative_points_name_their_series() -> None:
    """Attributes and start distinguish series; the end of the interval does not."""
    points = [
        point(1, type="added"),
        point(2, at_ns=AT_NS + NS, type="added"),
        point(2, start_ns=AT_NS, type="added"),
        point(2, type="added", model="m"),
    ]

    found = events_of(gathered_metrics(metrics({"claude_code.lines_of_code.count": points}, temporality=2)))

    data = [msgspec.json.decode(event.data) for event in found]
    assert all(each["cumulative"] is True for each in data)
    assert data[0]["series"] == data[1]["series"]
    assert len({each["series"] for each in data}) == 3
    assert len({event.event_id for event in found}) == 4


def test_lines_that_gemini_changed() -> None:
    """Its metric has the same types."""
    body = metrics({"gemini_cli.lines.changed": [point(3, type="removed")]}, 2, "gemini-cli")

    (event,) = events_of(gathered_metrics(body))

    assert msgspec.json.decode(event.data)["name"] == "lines_removed"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (metrics({"claude_code.cost.usage": [point(1)]}), "noise"),
        (metrics({"claude_code.token.usage": [point(1)]}), "noise"),
        (metrics({"claude_code.commit.count": [point(0)]}), "noise"),
        (metrics({"codex.turn.token_usage": [{}]}, service="codex_exec", kind="histogram"), "noise"),
        (metrics({"http.server.duration": [point(1)]}, service="checkout"), "unknown_service"),
        (metrics({"claude_code.commit.count": [{"asDouble": 1, "timeUnixNano": AT_NS}]}), "no_session"),
        (metrics({"claude_code.commit.count": [point(1, at_ns=1)]}), "time_out_of_range"),
        (metrics({"claude_code.commit.count": [point(-1)]}), "wrong_value"),
        (metrics({"claude_code.commit.count": [{**point(1), "asDouble": "NaN"}]}), "wrong_value"),
        (metrics({"claude_code.lines_of_code.count": [point(1, type="moved")]}), "wrong_value"),
        (metrics({"claude_code.commit.count": [point(1)]}, temporality=0), "no_sum"),
        (metrics({"claude_code.commit.count": [point(1)]}, kind="gauge"), "no_sum"),
        (metrics({"claude_code.commit.count": [{}]}, kind="histogram"), "no_sum"),
        (metrics({"claude_code.commit.count": [{}]}, kind="exponentialHistogram"), "no_sum"),
        (metrics({"claude_code.commit.count": [{}]}, kind="summary"), "no_sum"),
    ],
)
def test_each_outcome_of_a_data_point(body: Any, outcome: str) -> None:
    """None of it is stored."""
    assert gathered_metrics(body) == Gathered([], b"", {outcome: 1})
