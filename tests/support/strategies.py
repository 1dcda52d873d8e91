"""Logs as hypothesis draws them: few sessions and few ids, so that collisions are frequent."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import UNSET

from prices.logged import COMMAND_LINE
from schemas import ids
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.log.records import (
    PRICES_ID,
    Actor,
    AnyRecord,
    CompactionRequested,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    PricesLoaded,
    SessionChanged,
    SessionCreated,
    SessionDescribed,
    SessionEnded,
    WorkTotals,
)
from schemas.log.topics import partition_of, record_key
from schemas.permissions import OPERATOR_ORG
from schemas.store.rows import ModelTotals, SessionRow, TaskRow

PARTITIONS = 2
SECRETS = ids.IdSecrets((b"k" * 32,), b"s" * 32)
BASE_MS = 1_768_900_000_000  # 2026-01-20
# The same session ids occur in two orgs: the key is (org, session).
SESSIONS = tuple(
    ids.mint(SECRETS, "session", "acme", ids.new_thread(bytes([n] * 32)), False, bytes([n] * 32)) for n in range(3)
)
EVENT_TYPES = (
    *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied"),
    *("SubagentStart", "SubagentStop", "TaskCreated", "TaskCompleted", "PreCompact", "Stop", "BrandNewEvent"),
    *("StopFailure", "PostCompact", "Notification", "SessionEnd", "PostToolBatch", "PostModelSwitch"),
    *("ApiRequest", "ApiError", "Measurement", "PermissionModeChanged", "PermissionRequest"),
)
# Half of them in two hours, so that they are equal, or in another order than their events.
times = (st.integers(0, 6) | st.integers(-2, 30)).map(lambda n: BASE_MS + n * 1_200_000)
names = st.sampled_from([None, "a", "b"])
texts = st.sampled_from(["", "x1", "x2", "x3", 7, None, ["x1"]])
usages = st.builds(
    ModelUsage,
    model=st.sampled_from([None, "claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "other"]),
    input_tokens=st.integers(0, 1000),
    output_tokens=st.integers(0, 1000),
    cost_nano=st.none() | st.integers(0, 10**12),
)
reports = st.builds(
    MetricsReport,
    models=st.lists(usages, max_size=3).map(tuple),
    reported_at=st.none() | times,
    work=st.none() | st.builds(WorkTotals, st.integers(0, 9), active_ms=st.integers(0, 9_000)),
    is_incomplete=st.booleans(),
)


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a hook payload; any field may be missing or of another type."""
    fields = ("tool_name", "tool_use_id", "agent_id", "agent_type", "task_id", "task_subject", "prompt", "model")
    some = draw(st.lists(st.sampled_from(fields), unique=True, max_size=4))
    payload: dict[str, Any] = {name: draw(texts) for name in some}
    if draw(st.booleans()):
        payload["duration_ms"] = draw(st.sampled_from([0, 5, 7.4, "9", -1, None]))
    if draw(st.booleans()):
        payload["tool_name"] = draw(st.sampled_from(["Bash", "Edit", "Write", "Read"]))
        thing = draw(texts | st.sampled_from(["pytest -q", "/a/b.py", "🧑‍💻 " * 9]))
        payload["tool_input"] = draw(st.sampled_from([{"command": thing, "file_path": thing}, thing, [thing], 5]))
    for name in draw(
        st.lists(st.sampled_from(["error", "last_assistant_message", "compact_summary", "cwd"]), max_size=2)
    ):
        payload[name] = draw(texts)
    return payload


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return payloads with these fields; each may be None, which leaves it out."""
    return st.fixed_dictionaries(fields).map(
        lambda payload: {name: value for name, value in payload.items() if value is not None}
    )


# What agents send, with few ids: all that a session can show depends on their order and on their times.
_tool_ids, _agent_ids, _shells = (st.sampled_from(some_ids) for some_ids in (["t1", "t2", "t3"], ["a1", "a2"], ["s1"]))
_of_agents = st.sampled_from([None, None, None, "a1", "a2"])
_agent_types = st.sampled_from([None, "", "Explore", "Plan"])
_answers = st.sampled_from([None, "done", "all done " * 300])
_session_titles = st.sampled_from([None, None, "one", "two"])
_by_telemetry = st.sampled_from([None, None, True])
_prompt_ids = st.sampled_from([None, "p1", "p2", "p2"])
_inputs = st.sampled_from([None, {"command": "ls"}, {"command": "rm"}])
_durations = st.sampled_from([None, 5, 7.4, 50])
_tools = st.sampled_from(["Bash", "Bash", "Agent", "Task", "Edit", "run_shell_command"])
_tool = some(
    tool_use_id=st.none() | _tool_ids | _tool_ids | _tool_ids,
    tool_name=_tools,
    agent_id=_of_agents,
    telemetry=_by_telemetry,
)
_asked_for = some(tool_name=_tools, tool_input=_inputs, prompt_id=st.sampled_from([None, "p1"]))
_begun = st.builds(lambda tool, asked: asked | tool, _tool, _asked_for)
_response_texts = st.sampled_from(
    [
        *("", "ok", "ok", 7, "<tool_use_error>no such text</tool_use_error>", "Permission to use Bash has been denied"),
        *("The following parts require approval: rm", "rm in '/a' needs approval."),
    ]
)
_responses = _response_texts | _response_texts.map(lambda said: [{"type": "text", "text": str(said)}])
_calls = some(tool_use_id=_tool_ids | st.just(""), tool_name=_tools, tool_response=_responses)
_ends = ["completed", "exited", "failed", "killed", "running", "ok"]
_background_tasks = st.none() | st.lists(some(id=_shells, status=st.none() | st.sampled_from(_ends)), max_size=2)
_notices = st.builds(
    "<task-notification>\n<task-id>{}</task-id>\n<status>{}</status></task-notification>".format,
    _shells,
    st.sampled_from(_ends),
)
_counts = st.sampled_from([0, 3, 1000, 2.5, "7", None, -1])
_requests = some(
    request_id=st.sampled_from([None, "r1", "r2", "r3"]),
    model=st.sampled_from(["claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "claude-opus-4-5-20251101", "other", None]),
    input_tokens=_counts,
    output_tokens=_counts,
    cache_read_tokens=_counts,
    cache_creation_tokens=_counts,
    cache_creation_1h_tokens=_counts,
    cost_usd=st.sampled_from([None, 0, 0.1, 1.000000001, "1", -1]),
    agent_id=_of_agents,
    agent_type=_agent_types,
)
_measurements = some(
    name=st.sampled_from(["active_seconds", "active_seconds", "lines_added", "coffees"]),
    value=st.sampled_from([1, 2, 0.0004, 2.5, -1, "3"]),
    series=st.sampled_from([None, "cpu 1", "cpu 1", "cpu 2"]),
    cumulative=st.sampled_from([None, True]),
)


@st.composite
def _finished(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the payload of a `PostToolUse`; only hooks have a response, which may name a shell or an agent."""
    payload = draw(_tool)
    payload |= draw(some(duration_ms=_durations))
    if not payload.get("telemetry"):
        left = some(backgroundTaskId=st.none() | _shells, agentId=st.none() | _agent_ids)
        status = st.sampled_from([{}, {"status": "completed"}, {"status": "async_launched"}])
        nothing: dict[str, Any] = {}
        payload |= draw(st.just(nothing) | st.builds(lambda one, two: {"tool_response": one | two}, left, status))
    return payload


AGENT_EVENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "PreToolUse": _begun,
    "PermissionRequest": _asked_for,
    "PostToolUse": _finished(),
    "PostToolUseFailure": st.builds(dict.__or__, _tool, some(duration_ms=_durations)),
    "PermissionDenied": _tool,
    "PostToolBatch": some(tool_calls=st.none() | st.lists(_calls, max_size=3), agent_id=_of_agents),
    "SubagentStart": some(agent_id=_agent_ids, agent_type=_agent_types),
    # Telemetry always says the type.
    "SubagentStop": some(agent_id=_agent_ids, agent_type=_agent_types, background_tasks=_background_tasks)
    | some(agent_id=_agent_ids, agent_type=st.just("Plan"), telemetry=st.just(True)),
    "Stop": some(
        agent_id=_of_agents,
        last_assistant_message=_answers,
        prompt_response=_answers,
        background_tasks=_background_tasks,
    ),
    "StopFailure": some(agent_id=_of_agents),
    "UserPromptSubmit": some(
        prompt=st.sampled_from([None, "x1", "mind the x2"]) | _notices,
        source=st.sampled_from([None, None, "user", "sdk", "system"]),
        agent_id=_of_agents,
        session_title=_session_titles,
        telemetry=_by_telemetry,
        prompt_id=_prompt_ids,
    ),
    "SessionStart": some(model=names, session_title=_session_titles),
    "TaskCreated": some(task_id=texts, task_subject=texts, agent_id=_of_agents),
    "TaskCompleted": some(task_id=texts, task_subject=texts, agent_id=_of_agents),
    "PreCompact": some(),
    "PostCompact": some(telemetry=_by_telemetry),
    "PostModelSwitch": some(to_model=names),
    "ApiRequest": _requests,
    "ApiError": some(model=names),
    "Measurement": _measurements,
}


# Types that say something about one another: a log of all types seldom has those that it takes, in the order it takes.
_USES = ("PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "PostToolBatch")
_LIFECYCLE = ("created", "described", "metrics", "changed", "compact")


class Focus(NamedTuple):
    """The types of events that a log holds, and the kinds of facts. An end of a session hides much of what was open."""

    events: Sequence[str] = tuple(AGENT_EVENTS)
    kinds: Sequence[str] = (*["events"] * 6, *["ended"] * 2, *_LIFECYCLE)


ANY = Focus()
_HOOKS = ("events",) * 12
_FOCUSES = (
    ANY,
    Focus((*_USES, "Stop", "UserPromptSubmit")),
    Focus(_USES, (*_HOOKS, "created")),
    Focus(("PreToolUse", "PermissionRequest", "PostToolBatch"), (*_HOOKS, "ended")),
    Focus(("UserPromptSubmit",), (*_HOOKS, "created")),
    Focus(("PreToolUse", "PostToolUse", "Stop", "UserPromptSubmit"), (*_HOOKS, "compact")),
    Focus(("PreToolUse", "SubagentStart", "SubagentStop"), (*_HOOKS, "changed")),
    Focus(("PreToolUse", "PostToolUse", "SubagentStart", "SubagentStop", "Stop"), (*_HOOKS, "described")),
    Focus(("SessionStart", "PreToolUse", "TaskCreated", "TaskCompleted"), (*_HOOKS, *["ended"] * 6, "created")),
    Focus(("SessionStart", "UserPromptSubmit", "Stop", "PostModelSwitch", "PreCompact", "PostCompact")),
    Focus(("ApiRequest", "ApiError", "Measurement"), (*_HOOKS, "metrics", "ended")),
)
focuses = st.sampled_from(_FOCUSES)


@st.composite
def agent_events(draw: st.DrawFn, focus: Focus = ANY) -> tuple[str, dict[str, Any]]:
    """Draw a type and a payload as agents send them."""
    event_type = draw(st.sampled_from(focus.events))
    return event_type, draw(AGENT_EVENTS[event_type])


@st.composite
def odd_events(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a type and a payload that need not fit."""
    return draw(st.sampled_from(EVENT_TYPES)), draw(payloads())


@st.composite
def events(draw: st.DrawFn, focus: Focus = ANY) -> Event:
    """Draw a hook event from a small pool of ids, so that contradicting copies are frequent."""
    event_type, payload = draw(st.one_of(odd_events(), *[agent_events(focus)] * 6))
    return Event(
        event_id=UUID(int=draw(st.integers(1, 40))),
        event_type=event_type,
        timestamp=draw(times),
        data=msgspec.Raw(msgspec.json.encode(payload)),
        seq=draw(st.none() | st.integers(0, 9)),
        redactions=draw(st.sampled_from([{}, {"jwt": 2}])),
    )


described = {
    "client": st.sampled_from(["claude-code", "codex"]),
    "client_version": st.sampled_from([None, "1", "2"]),
    "trigger": st.sampled_from([None, "interactive", "headless"]),
    "parent_id": st.none() | st.sampled_from(SESSIONS),
    "relation": st.sampled_from([None, "fork", "clear"]),
    "remote_url": st.sampled_from([None, "git@github.com:acme/a"]),
    "repo": st.sampled_from([None, "acme/a", "acme/b"]),
    "branch": names,
}

price_loads = st.integers(0, 3).map(
    lambda n: PricesLoaded(
        v=1,
        record_id=UUID(int=1 + n),
        org_id=OPERATOR_ORG,
        session_id=PRICES_ID,
        actor=COMMAND_LINE,
        received_at=BASE_MS,
        prices=(Price("other", BASE_MS + n, *[n] * 5),),
        loaded_us=BASE_MS * 1000,
    )
)


@st.composite
def facts(draw: st.DrawFn, focus: Focus = ANY) -> AnyRecord:
    """Draw a fact about one of a few sessions."""
    common: dict[str, Any] = {
        "v": 1,
        "record_id": UUID(int=draw(st.integers(1, 1 << 100))),
        "org_id": draw(st.sampled_from(["acme", "acme", "acme", "globex"])),
        "session_id": draw(st.sampled_from(SESSIONS)),
        "actor": Actor(draw(st.sampled_from(["alice", "bob"])), "member"),
        "received_at": draw(times),
    }
    fact_id = UUID(int=draw(st.integers(100, 112)))
    maybe = names | st.just(UNSET)
    kind = draw(st.sampled_from(focus.kinds))
    if kind == "created":
        return SessionCreated(
            **common,
            fact_id=fact_id,
            run_id=UUID(int=7),
            agent_name=draw(names),
            project_id=draw(names),
            repo=draw(names),
            title=draw(names),
            model=draw(names),
            branch=draw(names),
            trigger=draw(st.sampled_from([None, "scheduled"])),
            started_at=draw(st.none() | times),
            client=draw(st.sampled_from([None, "claude-code", "gemini-cli"])),
        )
    if kind == "described":
        said: dict[str, Any] = {name: draw(value) for name, value in described.items()}
        return SessionDescribed(**common, fact_id=fact_id, **said)
    if kind == "events":
        client = draw(st.sampled_from([None, "claude-code", "gemini-cli"]))
        return EventsRecorded(
            **common, events=tuple(draw(st.lists(events(focus), min_size=1, max_size=6))), client=client
        )
    if kind == "metrics":
        return MetricsReported(**common, fact_id=fact_id, report=draw(reports))
    if kind == "compact":
        return CompactionRequested(
            **common,
            fact_id=fact_id,
            instructions=draw(st.sampled_from([None, "x1", "mind the x2"])),
            max_characters=draw(st.sampled_from([None, 200, 300, 0, -1, 1 << 60])),
        )
    if kind == "changed":
        return SessionChanged(**common, fact_id=fact_id, agent_name=draw(maybe), title=draw(maybe), summary=draw(maybe))
    return SessionEnded(
        **common,
        fact_id=fact_id,
        outcome=draw(st.sampled_from([None, "success", "failure"])),
        summary=draw(names),
        ended_at=draw(st.none() | times),
        report=draw(st.none() | reports),
    )


@st.composite
def crowded_facts(draw: st.DrawFn, events: int = 12) -> AnyRecord:
    """Draw facts that collide: a handful of ids, two hours, and mostly one org, so that writers conflict."""
    at = st.sampled_from([0, 1, 2]).map(lambda n: BASE_MS + n * 1_800_000)
    common: dict[str, Any] = {
        "v": 1,
        "record_id": UUID(int=draw(st.integers(1, 1 << 64))),
        "org_id": draw(st.sampled_from(["acme", "acme", "acme", "globex"])),
        "session_id": draw(st.sampled_from(SESSIONS)),
        "actor": Actor("alice", "member"),
        "received_at": draw(at),
    }
    fact_id = UUID(int=draw(st.integers(100, 104)))
    kind = draw(st.sampled_from([*["events"] * 5, "created", "changed", "metrics", "ended", "compact"]))
    if kind == "events":
        types = st.sampled_from(
            [*["PreToolUse", "PostToolUse"] * 2, "UserPromptSubmit", "SubagentStart", "TaskCreated"]
        )
        uses = [{"tool_use_id": use, "tool_name": "Bash"} for use in "uvwx"]
        ids_of_things = st.sampled_from([{}, {"agent_id": "y"}, *uses])
        event = st.builds(
            Event,
            event_id=st.integers(1, events).map(lambda n: UUID(int=n)),
            event_type=types,
            timestamp=at,
            data=ids_of_things.map(lambda payload: msgspec.Raw(msgspec.json.encode(payload))),
        )
        return EventsRecorded(**common, events=tuple(draw(st.lists(event, min_size=1, max_size=3))))
    if kind == "created":
        return SessionCreated(
            **common, fact_id=fact_id, run_id=UUID(int=7), repo=draw(names), started_at=draw(st.none() | at)
        )
    if kind == "changed":
        return SessionChanged(**common, fact_id=fact_id, agent_name=draw(names))
    if kind == "metrics":
        usage = ModelUsage("other", input_tokens=draw(st.integers(0, 9)), cost_nano=draw(st.integers(0, 9)))
        return MetricsReported(**common, fact_id=fact_id, report=MetricsReport((usage,)))
    if kind == "ended":
        return SessionEnded(**common, fact_id=fact_id, ended_at=draw(st.none() | at))
    return CompactionRequested(**common, fact_id=fact_id)


@st.composite
def logs(draw: st.DrawFn, max_size: int = 30) -> list[LogRecord]:
    """Draw a log of two partitions, with some poison, in an order in which it could have been written."""
    one = facts(draw(focuses)) | st.just(None) | price_loads
    values = draw(st.lists(one, min_size=1, max_size=max_size))
    return log_of(values)


@st.composite
def crowded_logs(draw: st.DrawFn) -> list[LogRecord]:
    """Draw a log of one session with frequent copies, and a digest request and an end as its last records."""
    drawn: list[AnyRecord | None] = [
        msgspec.structs.replace(fact, org_id="acme", session_id=SESSIONS[0])
        for fact in draw(st.lists(facts(draw(focuses)), min_size=6, max_size=30))
    ]
    common: dict[str, Any] = {"v": 1, "org_id": "acme", "session_id": SESSIONS[0], "received_at": BASE_MS}
    common |= {"actor": Actor("alice", "member"), "record_id": UUID(int=1)}
    asked = CompactionRequested(**common, fact_id=UUID(int=201))
    return log_of([*drawn, asked, SessionEnded(**common, fact_id=UUID(int=202))])


def log_of(values: list[AnyRecord | None]) -> list[LogRecord]:
    """Give facts their partitions and dense offsets; None becomes an undecodable record."""
    ends = [0] * PARTITIONS
    records = []
    for fact in values:
        key = record_key(fact.session_id if fact else SESSIONS[0])
        partition = partition_of(key, PARTITIONS)
        value = encode(fact) if fact else b"\x00garbage"
        records.append(LogRecord(partition, ends[partition], key, value, BASE_MS))
        ends[partition] += 1
    return records


def one_event(n: int) -> EventsRecorded:
    """Return the n-th event of one session, in its own record."""
    event = Event(event_id=UUID(int=n + 1), event_type="Stop", timestamp=BASE_MS + n, data=msgspec.Raw(b"{}"))
    return EventsRecorded(
        v=1,
        record_id=UUID(int=n + 1),
        org_id="acme",
        session_id=SESSIONS[0],
        actor=Actor("alice", "member"),
        received_at=BASE_MS,
        events=(event,),
    )


@st.composite
def deliveries(draw: st.DrawFn, log: list[LogRecord]) -> list[list[LogRecord] | str]:
    """Draw deliveries of a log: parts of a partition, steps back, omissions, restarts.

    What is omitted is never delivered again; the projector must notice it.
    """
    by_partition = [[record for record in log if record.partition == p] for p in range(PARTITIONS)]
    steps: list[list[LogRecord] | str] = []
    for _ in range(draw(st.integers(1, 10))):
        records = by_partition[draw(st.integers(0, PARTITIONS - 1))]
        start = draw(st.integers(0, len(records)))
        steps.append(records[start : draw(st.integers(start, len(records)))])
        steps.append(draw(st.sampled_from(["", "", "restart", "crash"])))
    return [step for step in steps if step]


task_rows = st.builds(
    TaskRow,
    org_id=st.sampled_from(["acme", "globex"]),
    session_id=st.sampled_from(SESSIONS),
    kind=st.sampled_from(["tool", "task"]),
    task_id=st.sampled_from(["a", "b"]),
    version=st.integers(1, 3),
    log_partition=st.just(0),
    name=st.text(max_size=3),
    status=st.sampled_from(["running", "completed"]),
    started_at=st.none() | times,
    ended_at=st.none() | times,
    duration_ms=st.none() | st.integers(0, 9),
    agent_type=st.just(""),
    parent_task_id=st.just(""),
    tool_calls=st.integers(0, 9),
)


counts = st.integers(0, 5)
model_totals = st.builds(
    ModelTotals, st.sampled_from(["", "m", "n"]), *[counts] * 6, cost_source=st.sampled_from(["reported", "priced"])
)


_WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")


@st.composite
def session_rows(draw: st.DrawFn) -> SessionRow:
    """Draw a row of a session in one of two hours, with few names, so that groups have several rows."""
    hour = BASE_MS // 3_600_000 * 3600 + draw(st.sampled_from([0, 3600]))
    values: dict[str, Any] = dict.fromkeys(SessionRow.__struct_fields__)
    values |= {"org_id": draw(st.sampled_from(["acme", "globex"])), "user_id": draw(st.sampled_from(["alice", "bob"]))}
    values |= {"started_hour": hour, "started_at": hour * 1000, "session_id": UUID(int=draw(st.integers(1, 6)))}
    values |= {name: draw(names) for name in ("project_id", "repo", "agent_name")}
    values |= {"version": draw(st.integers(1, 3)), "outcome": draw(st.sampled_from([None, "success", "timeout"]))}
    values |= {name: draw(st.none() | times) for name in ("last_event_at", "ended_at")}
    values |= {name: draw(counts) for name in ("events", "prompts", "tool_calls", "tool_errors")}
    values["models"] = draw(st.lists(model_totals, max_size=2, unique_by=lambda totals: totals.model))
    values |= {name: draw(st.just(0) | counts) for name in _WORK}
    values["duration_ms"] = draw(st.none() | counts)
    return SessionRow(**{**NO_SESSION, **{name: value for name, value in values.items() if value is not None}})


NO_SESSION: dict[str, Any] = {
    **{name: 0 if kind is int else None for name, kind in get_type_hints(SessionRow).items()},
    "created": True,
    "sensitive": False,
    "trigger": "interactive",
    "thread_id": UUID(int=7),
    "is_reported": False,
    "is_work_reported": False,
    "is_incomplete": False,
    "models": [],
    "measured": [],
    "agents": [],
    "tools": [],
    "redactions": {},
    "first_prompts": [],
    "search_text": "",
}
