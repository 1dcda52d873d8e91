"""Logs of one agent's session, made from a seed, so dense that a hundred exercise nearly every rule of the fold.

Hypothesis draws logs that shrink, but most of its long ones are copies of one another. Here each seed gives a different
log; `smallest` shortens a failing one.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from schemas.log.records import (
    Actor,
    AnyRecord,
    CompactionRequested,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    SessionChanged,
    SessionCreated,
    SessionDescribed,
    SessionEnded,
    WorkTotals,
)
from tests.support.strategies import BASE_MS, SESSIONS

STEP_MS = 20 * 60_000  # some requests of a log fall into the same hour
REFUSED, DENIED = "<tool_use_error>no such text</tool_use_error>", "Permission to use Bash has been denied"
_USES = ("PreToolUse", "PreToolUse", "PostToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
_AGENTS = ("SubagentStart", "SubagentStart", "SubagentStop")
_TURNS = ("Stop", "UserPromptSubmit", "StopFailure")
# Each log has only some types: if it had all of them, few would refer to one another.
_FOCUSES = (
    (*_USES, "PostToolBatch"),
    (*_USES, *_TURNS),
    ("PreToolUse", "PostToolUse", "PostToolUse", "Stop", "UserPromptSubmit", "SubagentStop"),
    ("PreToolUse", *_AGENTS),
    ("PreToolUse", "PreToolUse", "PostToolUse", *_AGENTS, "Stop"),
    ("SessionStart", "SessionStart", "PreToolUse", "TaskCreated", "TaskCompleted", "SubagentStart"),
    ("SessionStart", *_TURNS, "PostModelSwitch", "PreCompact", "PostCompact"),
    ("SessionStart",),
    ("ApiRequest", "ApiRequest", "ApiRequest", "ApiError", "SubagentStart"),
    ("Measurement",),
    (*_USES, *_AGENTS, *_TURNS, "PostToolBatch", "SessionStart", "TaskCreated", "ApiRequest", "Measurement"),
)
_ENDS = ("completed", "exited", "failed", "killed", "running")


def agent_log(seed: int) -> list[AnyRecord]:
    """Return the facts of a session, one event per record."""
    return _Writer(seed).log()


def smallest(facts: list[AnyRecord], fails: Callable[[list[AnyRecord]], bool]) -> list[AnyRecord]:
    """Return a smaller log that still fails, from which no fact can be left out."""
    size = max(1, len(facts) // 2)
    while size:
        start = 0
        while start < len(facts):
            shorter = facts[:start] + facts[start + size :]
            if shorter and fails(shorter):
                facts = shorter
            else:
                start += size
        size //= 2
    return facts


class _Writer:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.types = self.one(*_FOCUSES)
        self.agents: Sequence[str] = self.one(("a1",), ("a1", "a2"))
        self.uses: Sequence[str] = self.one(("t1",), ("t1", "t2"), ("t1", "t2", "t3"))
        self.has_telemetry, self.hours = self.one(False, True), self.one(1, 3)
        self.ends = self.one(0, 0, 1, 4)  # in one of twenty facts

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def log(self) -> list[AnyRecord]:
        kinds = ["event"] * (18 - self.ends) + ["ended"] * self.ends + ["created", "described"]
        rare = ["changed", "report", "compact"]
        number = self.random.randrange(2, 40)
        return [self._fact(self.one(*kinds, self.one(*rare)), place) for place in range(number)]

    def at(self) -> int:
        return BASE_MS + self.random.randrange(-1, 3 * self.hours) * STEP_MS

    def _fact(self, kind: str, place: int) -> AnyRecord:
        common: dict[str, Any] = {
            "v": 1,
            "record_id": UUID(int=place),
            "org_id": "acme",
            "session_id": SESSIONS[0],
            "actor": Actor(self.one("alice", "bob"), "member"),
            "received_at": self.at(),
        }
        if kind == "event":
            event_type = self.one(*self.types)
            data = msgspec.Raw(msgspec.json.encode(_without_none(_PAYLOADS[event_type](self))))
            event = Event(UUID(int=self.random.randrange(1, 200)), event_type, self.at(), data)
            return EventsRecorded(**common, events=(event,), client=self.one(None, None, "claude-code", "gemini-cli"))
        common["fact_id"] = UUID(int=self.random.randrange(300, 330))
        if kind == "created":
            fields = {name: self.one(None, "a", "b") for name in ("title", "branch", "model", "repo", "agent_name")}
            started_at = self.one(None, self.at())
            client = self.one(None, "codex")
            return SessionCreated(**common, run_id=UUID(int=7), started_at=started_at, client=client, **fields)
        if kind == "described":
            fields = {name: self.one(None, "c", "d") for name in ("client_version", "trigger", "branch", "repo")}
            return SessionDescribed(
                **common, client=self.one("codex", "gemini-cli"), parent_id=self.one(None, *SESSIONS), **fields
            )
        if kind == "changed":
            fields = {name: self.one(None, "e", msgspec.UNSET) for name in ("title", "summary", "branch")}
            return SessionChanged(**common, report=self.one(None, self._report()), **fields)
        if kind == "report":
            return MetricsReported(**common, report=self._report())
        if kind == "compact":
            return CompactionRequested(**common)
        return SessionEnded(
            **common,
            outcome=self.one(None, "success", "failure"),
            summary=self.one(None, None, "f"),
            ended_at=self.one(None, self.at(), self.at()),
            report=self.one(None, None, self._report()),
        )

    def _report(self) -> MetricsReport:
        names = (None, "claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "other")
        models = [ModelUsage(self.one(*names), self._tokens(), self._tokens()) for _ in range(self.one(0, 1, 2))]
        priced = [msgspec.structs.replace(model, cost_nano=self.one(None, 7)) for model in models]
        work = self.one(None, WorkTotals(self.one(0, 3), active_ms=self.one(0, 5)))
        return MetricsReport(tuple(priced), self.one(None, self.at()), work, self.one(False, True))

    def _tokens(self) -> int:
        return self.one(0, 3, 1000, 12_345)  # type: ignore[no-any-return]  # a number

    def _by_telemetry(self) -> dict[str, Any]:
        return {"telemetry": self.one(None, True) if self.has_telemetry else None}

    def _tool(self) -> dict[str, Any]:
        return {
            "tool_use_id": self.one(*self.uses, *self.uses, *self.uses, None),
            "tool_name": self.one("Bash", "Bash", "Agent", "Edit", "run_shell_command"),
            "agent_id": self.one(None, None, *self.agents),
            "agent_type": self.one(None, None, "Plan"),
            **self._by_telemetry(),
        }

    def _post_tool_use_failure(self) -> dict[str, Any]:
        return {**self._tool(), "duration_ms": self.one(None, 5, 7.4, 50, -1, "9")}

    def _post_tool_use(self) -> dict[str, Any]:
        payload = self._post_tool_use_failure()
        if not payload["telemetry"]:  # only hooks have a response
            shell = {"backgroundTaskId": "s1"}
            launch = {"agentId": self.one(*self.agents), "status": self.one("completed", "async_launched")}
            odd = self.one(None, None, "text", launch | shell, launch, shell)
            payload["tool_response"] = self.one(launch if payload["tool_name"] == "Agent" else shell, odd)
        return payload

    def _post_tool_batch(self) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            said = self.one("ok", REFUSED, DENIED, 7)
            response = self.one(said, [{"type": "text", "text": str(said)}])
            return {**self._tool(), "tool_use_id": self.one(*self.uses, ""), "tool_response": response}

        return {"tool_calls": self.one(None, [call()], [call(), call()]), "agent_id": self.one(None, *self.agents)}

    def _subagent_start(self) -> dict[str, Any]:
        return {"agent_id": self.one(*self.agents), "agent_type": self.one("", "Plan", "Explore")}

    def _subagent_stop(self) -> dict[str, Any]:
        payload = {**self._subagent_start(), **self._by_telemetry(), **self._shells()}
        # Telemetry always includes the type, and never mentions shells.
        return payload | {"agent_type": "Plan", "background_tasks": None} if payload["telemetry"] else payload

    def _stop(self) -> dict[str, Any]:
        answers = {name: self.one(None, "yes", "no " * 900) for name in ("last_assistant_message", "prompt_response")}
        return {"agent_id": self.one(None, None, None, *self.agents), **answers, **self._shells()}

    def _shells(self) -> dict[str, Any]:
        def task() -> dict[str, Any]:
            return {"id": self.one("s1", "s1", "s2"), "status": self.one(*_ENDS)}

        return {"background_tasks": self.one(None, None, [task()], [task(), task()])}

    def _user_prompt_submit(self) -> dict[str, Any]:
        notice = f"<task-notification>\n<task-id>s1</task-id><status>{self.one(*_ENDS)}</status>"
        return {
            "prompt": self.one(None, "do", "go on", notice),
            "source": self.one(None, None, None, "user", "system"),
            "agent_id": self.one(None, None, None, *self.agents),
            "session_title": self.one(None, None, "one", "two"),
            **self._by_telemetry(),
        }

    def _session_start(self) -> dict[str, Any]:
        return {"model": self.one(None, "m1", "m2"), "session_title": self.one(None, "three")}

    def _task_created(self) -> dict[str, Any]:
        return {
            "task_id": self.one("k1", "k2"),
            "task_subject": self.one(None, "Fix", "Ship"),
            "agent_id": self.one(None, "a1"),
        }

    def _pre_compact(self) -> dict[str, Any]:
        return {}

    def _post_model_switch(self) -> dict[str, Any]:
        return {"to_model": self.one(None, "m3", "m4")}

    def _api_request(self) -> dict[str, Any]:
        tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
        return {
            "request_id": self.one(None, "r1", "r2", "r3", "r4"),
            "model": self.one("claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "claude-opus-4-5-20251101", "other", None),
            **{name: self.one(0, 3, 1000, 12_345, "7", -1, 2.5) for name in tokens},
            "cost_usd": self.one(None, None, 0, 0.1, 1.000000001, "1", -1),
            "agent_id": self.one(None, None, *self.agents),
            "agent_type": self.one(None, "Plan"),
        }

    def _api_error(self) -> dict[str, Any]:
        return {"model": "other", "agent_id": self.one(None, *self.agents)}

    def _measurement(self) -> dict[str, Any]:
        return {
            "name": self.one("active_seconds", "active_seconds", "lines_added", "coffees"),
            "value": self.one(1, 2, 0.0004, 2.5, 3.75, -1, "3"),
            "series": self.one(None, "cpu 1", "cpu 1", "cpu 2"),
            "cumulative": self.one(None, True),
        }


def _without_none(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if value is not None}


_PAYLOADS: dict[str, Callable[[_Writer], dict[str, Any]]] = {
    "PostToolUseFailure": _Writer._post_tool_use_failure,
    "PostToolUse": _Writer._post_tool_use,
    "PostToolBatch": _Writer._post_tool_batch,
    "SubagentStart": _Writer._subagent_start,
    "SubagentStop": _Writer._subagent_stop,
    "Stop": _Writer._stop,
    "UserPromptSubmit": _Writer._user_prompt_submit,
    "SessionStart": _Writer._session_start,
    "TaskCreated": _Writer._task_created,
    "PreCompact": _Writer._pre_compact,
    "PostModelSwitch": _Writer._post_model_switch,
    "ApiRequest": _Writer._api_request,
    "ApiError": _Writer._api_error,
    "Measurement": _Writer._measurement,
    "PreToolUse": _Writer._tool,
    "PermissionDenied": _Writer._tool,
    "StopFailure": _Writer._stop,
    "TaskCompleted": _Writer._task_created,
    "PostCompact": _Writer._by_telemetry,
}
