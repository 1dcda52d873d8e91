"""Facts of agents' sessions with few ids and few times, so that most of them say something about one another.

`AgentFacts` needs one function that draws a number. A seeded `random.Random` gives dense logs, a hundred of which
exercise nearly every rule of the fold. Hypothesis gives logs that shrink, but most of its long ones are copies of one
another.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from schemas import ids
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

SECRETS = ids.IdSecrets((b"k" * 32,), b"s" * 32)
BASE_MS = 1_768_900_000_000  # 2026-01-20
STEP_MS = 20 * 60_000  # some requests of a log fall into the same hour
# The same session ids occur in two orgs: the key is (org, session).
SESSIONS = tuple(
    ids.mint(SECRETS, "session", "acme", ids.new_thread(bytes([n] * 32)), False, bytes([n] * 32)) for n in range(3)
)
ODD_TYPES = ("BrandNewEvent", "Notification", "SessionEnd", "PermissionModeChanged")
_USES = ("PreToolUse", "PreToolUse", "PostToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
_AGENTS = ("SubagentStart", "SubagentStart", "SubagentStop")
_TURNS = ("Stop", "UserPromptSubmit", "StopFailure")
# Each log has only some types: if it had all of them, few would refer to one another.
_FOCUSES = (
    (*_USES, *_AGENTS, *_TURNS, "PostToolBatch", "SessionStart", "TaskCreated", "ApiRequest", "Measurement"),
    (*_USES, "PostToolBatch"),
    ("PreToolUse", "PermissionRequest", "PostToolBatch"),
    (*_USES, "PermissionRequest", *_TURNS),
    ("UserPromptSubmit",),
    ("PreToolUse", "PostToolUse", "PostToolUse", "Stop", "UserPromptSubmit", "SubagentStop"),
    ("PreToolUse", *_AGENTS),
    ("PreToolUse", "PreToolUse", "PostToolUse", *_AGENTS, "Stop"),
    ("SessionStart", "SessionStart", "PreToolUse", "TaskCreated", "TaskCompleted", "SubagentStart"),
    ("SessionStart", *_TURNS, "PostModelSwitch", "PreCompact", "PostCompact"),
    ("SessionStart",),
    ("ApiRequest", "ApiRequest", "ApiRequest", "ApiError", "SubagentStart"),
    ("Measurement",),
)
_ENDS = ("completed", "exited", "failed", "killed", "running", "ok")
_SAID = (
    *("ok", "ok", "", 7, "<tool_use_error>no such text</tool_use_error>", "Permission to use Bash has been denied"),
    *("The following parts require approval: rm", "rm in '/a' needs approval."),
)
_NAMES = (None, "a", "b")
_ODD_FIELDS = (
    *("tool_name", "tool_use_id", "agent_id", "agent_type", "task_id", "task_subject", "prompt", "model"),
    *("error", "last_assistant_message", "compact_summary", "cwd"),
)
Below = Callable[[int], int]  # draws a number below another one
Json = dict[str, Any]


class Traits(NamedTuple):
    """What the facts of one log have in common; ``odd`` is how many of 7 events have a payload that need not fit."""

    types: Sequence[str]
    kinds: Sequence[str]
    agents: Sequence[str]
    uses: Sequence[str]
    has_telemetry: bool
    hours: int
    odd: int = 0
    event_ids: int = 200
    batch: int = 1  # the most events of a record

    @classmethod
    def drawn(cls, below: Below, **fixed: int) -> "Traits":
        """Draw them. An end of a session hides much of what was open, so many logs have few ends, or none."""

        def one(*options: Any) -> Any:
            return options[below(len(options))]

        ends = one(0, 0, 1, 4)
        kinds = ("event",) * (18 - ends) + ("ended",) * ends
        kinds += ("created", "described", "changed", "report", "compact") * one(1, 1, 1, 4)
        uses = one(("t1",), ("t1", "t2"), ("t1", "t2", "t3"))
        return cls(one(*_FOCUSES), kinds, one(("a1",), ("a1", "a2")), uses, one(False, True), one(1, 1, 3), **fixed)


class AgentFacts:
    """Makes facts with the traits of a log."""

    def __init__(self, below: Below, traits: Traits) -> None:
        self._below, self._traits = below, traits

    def one(self, *options: Any) -> Any:
        """Draw one of some values."""
        return options[self._below(len(options))]

    def at(self) -> int:
        """Draw a time."""
        return BASE_MS + (self._below(3 * self._traits.hours + 1) - 1) * STEP_MS

    def fact(self, number: int, org: str = "acme", session: UUID = SESSIONS[0]) -> AnyRecord:
        """Draw a fact; ``number`` is the id of its record."""
        actor = Actor(self.one("alice", "bob"), "member")
        common: Json = {"v": 1, "record_id": UUID(int=number), "org_id": org, "session_id": session, "actor": actor}
        common["received_at"] = self.at()
        kind = self.one(*self._traits.kinds)
        if kind == "event":
            events = tuple(self._event() for _ in range(1 + self._below(self._traits.batch)))
            return EventsRecorded(**common, events=events, client=self.one(None, None, "claude-code", "gemini-cli"))
        return _LIFECYCLE[kind](self, {**common, "fact_id": UUID(int=300 + self._below(20))})

    def _event(self) -> Event:
        if self._below(7) < self._traits.odd:
            event_type, payload = self.one(*_PAYLOADS, *ODD_TYPES), self._odd()
        else:
            event_type = self.one(*self._traits.types)
            payload = {name: value for name, value in _PAYLOADS[event_type](self).items() if value is not None}
        return Event(
            UUID(int=1 + self._below(self._traits.event_ids)),
            event_type,
            self.at(),
            msgspec.Raw(msgspec.json.encode(payload)),
            seq=self.one(None, 0, 1, 9),
            redactions=self.one({}, {"jwt": 2}),
        )

    def _odd(self) -> Json:
        """Draw a payload; any field may be missing or of another type."""
        payload: Json = {
            name: self.one("", "x1", "x2", "x3", 7, None, ["x1"]) for name in _ODD_FIELDS if not self._below(3)
        }
        if self._below(2):
            payload["duration_ms"] = self.one(0, 5, 7.4, "9", -1, None)
        if self._below(2):
            thing = self.one("pytest -q", "/a/b.py", "🧑‍💻 " * 9, "", 7)
            payload["tool_name"] = self.one("Bash", "Edit", "Write", "Read")
            payload["tool_input"] = self.one({"command": thing, "file_path": thing}, thing, [thing], 5)
        return payload

    # ------------------------------------------------------------------ facts about a session

    def _names(self, *fields: str, options: Sequence[Any] = _NAMES) -> Json:
        return {name: self.one(*options) for name in fields}

    def _created(self, common: Json) -> SessionCreated:
        return SessionCreated(
            **common,
            run_id=UUID(int=7),
            **self._names("agent_name", "project_id", "repo", "title", "model", "branch"),
            trigger=self.one(None, "scheduled"),
            started_at=self.one(None, self.at()),
            client=self.one(None, "claude-code", "gemini-cli", "codex"),
        )

    def _described(self, common: Json) -> SessionDescribed:
        return SessionDescribed(
            **common,
            client=self.one("claude-code", "codex", "gemini-cli"),
            **self._names("client_version", "branch", "repo", options=(None, "c", "d")),
            trigger=self.one(None, "interactive", "headless"),
            parent_id=self.one(None, *SESSIONS),
            relation=self.one(None, "fork", "clear"),
            remote_url=self.one(None, "git@github.com:acme/a"),
        )

    def _changed(self, common: Json) -> SessionChanged:
        named = self._names("agent_name", "title", "summary", "branch", options=(None, "e", UNSET))
        return SessionChanged(**common, **named, report=self.one(None, self._report()))

    def _reported(self, common: Json) -> MetricsReported:
        return MetricsReported(**common, report=self._report())

    def _compact(self, common: Json) -> CompactionRequested:
        most = self.one(None, 200, 300, 0, -1, 1 << 60)
        return CompactionRequested(**common, instructions=self.one(None, "x1", "mind the x2"), max_characters=most)

    def _ended(self, common: Json) -> SessionEnded:
        return SessionEnded(
            **common,
            outcome=self.one(None, "success", "failure"),
            summary=self.one(None, None, "f"),
            ended_at=self.one(None, self.at(), self.at()),
            report=self.one(None, None, self._report()),
        )

    def _report(self) -> MetricsReport:
        models = tuple(self._usage() for _ in range(self._below(3)))
        work = self.one(None, WorkTotals(self._below(4), active_ms=self.one(0, 5)))
        return MetricsReport(models, self.one(None, self.at()), work, self.one(False, True))

    def _usage(self) -> ModelUsage:
        name = self.one(None, "claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "other")
        tokens = {kind: self.one(0, 3, 1000, 12_345) for kind in ("input_tokens", "output_tokens")}
        return ModelUsage(name, **tokens, cost_nano=self.one(None, 7, 10**12))

    # ------------------------------------------------------------------ payloads

    def _by_telemetry(self) -> Json:
        return {"telemetry": self.one(None, True) if self._traits.has_telemetry else None}

    def _agent(self) -> str | None:
        found: str | None = self.one(None, None, *self._traits.agents)
        return found

    def _asked_for(self) -> Json:
        asked = {"tool_input": self.one(None, {"command": "ls"}, {"command": "rm"}), "prompt_id": self.one(None, "p1")}
        return {"tool_name": self.one("Bash", "Bash", "Agent", "Task", "Edit", "run_shell_command"), **asked}

    def _tool(self) -> Json:
        used = {"tool_use_id": self.one(*self._traits.uses, *self._traits.uses, None), "agent_id": self._agent()}
        return {**self._asked_for(), **used, "agent_type": self.one(None, None, "Plan"), **self._by_telemetry()}

    def _failed(self) -> Json:
        return {**self._tool(), "duration_ms": self.one(None, 5, 7.4, 50, -1, "9")}

    def _finished(self) -> Json:
        payload = self._failed()
        if not payload["telemetry"]:  # only hooks have a response, which may name a shell or an agent
            shell, status = (
                {"backgroundTaskId": "s1"},
                self.one({}, {"status": "completed"}, {"status": "async_launched"}),
            )
            launch = {"agentId": self.one(*self._traits.agents), **status}
            fitting = launch if payload["tool_name"] in ("Agent", "Task") else shell
            payload["tool_response"] = self.one(fitting, None, None, "text", launch | shell, launch, shell)
        return payload

    def _batch(self) -> Json:
        return {"tool_calls": self.one(None, [self._call() for _ in range(self._below(3))]), "agent_id": self._agent()}

    def _call(self) -> Json:
        said = self.one(*_SAID)
        response = self.one(said, [{"type": "text", "text": str(said)}])
        called = {"tool_use_id": self.one(*self._traits.uses, ""), "tool_name": self.one("Bash", "Agent", "Edit")}
        return {**called, "tool_response": response}

    def _subagent_start(self) -> Json:
        return {"agent_id": self.one(*self._traits.agents), "agent_type": self.one("", None, "Plan", "Explore")}

    def _subagent_stop(self) -> Json:
        payload = {**self._subagent_start(), **self._by_telemetry(), **self._shells()}
        # Telemetry always includes the type, and never mentions shells.
        return payload | {"agent_type": "Plan", "background_tasks": None} if payload["telemetry"] else payload

    def _stop(self) -> Json:
        answers = self._names("last_assistant_message", "prompt_response", options=(None, "yes", "no " * 900))
        return {"agent_id": self.one(None, self._agent()), **answers, **self._shells()}

    def _shells(self) -> Json:
        some = [{"id": self.one("s1", "s1", "s2"), "status": self.one(*_ENDS)} for _ in range(self._below(3))]
        return {"background_tasks": self.one(None, some)}

    def _prompt(self) -> Json:
        notice = f"<task-notification>\n<task-id>s1</task-id><status>{self.one(*_ENDS)}</status>"
        return {
            "prompt": self.one(None, "do", "mind the x2", notice),
            "source": self.one(None, None, None, "user", "sdk", "system"),
            "agent_id": self.one(None, self._agent()),
            "session_title": self.one(None, None, "one", "two"),
            "prompt_id": self.one(None, "p1", "p2", "p2"),
            **self._by_telemetry(),
        }

    def _session_start(self) -> Json:
        return {"model": self.one(None, "m1", "m2"), "session_title": self.one(None, "three")}

    def _task(self) -> Json:
        named = {"task_id": self.one("k1", "k1", "k2", "k2", "", 7), "task_subject": self.one(None, "Fix", "Ship")}
        return {**named, "agent_id": self.one(None, "a1")}

    def _nothing(self) -> Json:
        return {}

    def _model_switch(self) -> Json:
        return {"to_model": self.one(None, "m3", "m4")}

    def _api_request(self) -> Json:
        kinds = ("input", "output", "cache_read", "cache_creation", "cache_creation_1h")
        return {
            "request_id": self.one(None, "r1", "r2", "r3", "r4"),
            "model": self.one("claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "claude-opus-4-5-20251101", "other", None),
            **self._names(*(f"{kind}_tokens" for kind in kinds), options=(0, 3, 1000, 12_345, "7", -1, 2.5)),
            "cost_usd": self.one(None, None, 0, 0.1, 1.000000001, "1", -1),
            "agent_id": self._agent(),
            "agent_type": self.one(None, "Plan"),
        }

    def _api_error(self) -> Json:
        return {"model": "other", "agent_id": self._agent()}

    def _measurement(self) -> Json:
        return {
            "name": self.one("active_seconds", "active_seconds", "lines_added", "coffees"),
            "value": self.one(1, 2, 0.0004, 2.5, 3.75, -1, "3"),
            "series": self.one(None, "cpu 1", "cpu 1", "cpu 2"),
            "cumulative": self.one(None, True),
        }


_LIFECYCLE: dict[str, Callable[[AgentFacts, Json], AnyRecord]] = {
    "created": AgentFacts._created,
    "described": AgentFacts._described,
    "changed": AgentFacts._changed,
    "report": AgentFacts._reported,
    "compact": AgentFacts._compact,
    "ended": AgentFacts._ended,
}
_PAYLOADS: dict[str, Callable[[AgentFacts], Json]] = {
    "PreToolUse": AgentFacts._tool,
    "PostToolUse": AgentFacts._finished,
    "PostToolUseFailure": AgentFacts._failed,
    "PermissionDenied": AgentFacts._tool,
    "PermissionRequest": AgentFacts._asked_for,
    "PostToolBatch": AgentFacts._batch,
    "SubagentStart": AgentFacts._subagent_start,
    "SubagentStop": AgentFacts._subagent_stop,
    "Stop": AgentFacts._stop,
    "StopFailure": AgentFacts._stop,
    "UserPromptSubmit": AgentFacts._prompt,
    "SessionStart": AgentFacts._session_start,
    "TaskCreated": AgentFacts._task,
    "TaskCompleted": AgentFacts._task,
    "PreCompact": AgentFacts._nothing,
    "PostCompact": AgentFacts._by_telemetry,
    "PostModelSwitch": AgentFacts._model_switch,
    "ApiRequest": AgentFacts._api_request,
    "ApiError": AgentFacts._api_error,
    "Measurement": AgentFacts._measurement,
}
EVENT_TYPES = (*_PAYLOADS, *ODD_TYPES)


def agent_log(seed: int) -> list[AnyRecord]:
    """Return the facts of a session, one event per record."""
    below = random.Random(seed).randrange
    made = AgentFacts(below, Traits.drawn(below))
    return [made.fact(number) for number in range(2 + below(38))]


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
