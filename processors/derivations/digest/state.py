"""The state from which a digest is made, collected from a session's facts. It holds texts that users wrote."""

from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import UNSET, Struct, field

from processors.derivations.digest.truncate import cut
from processors.derivations.session_facts import TEXT_MAX, SessionFact
from processors.derivations.tool_usage import TOOL_EVENTS, ToolUsage
from schemas.log.records import EVENTS_RECORDED, AnyRecord, SessionChanged, SessionCreated

PROMPTS_FIRST, PROMPTS_LAST = 5, 95  # stored; those between them are only counted
_NAMES = ("title", "repo", "branch", "agent_name", "model")
_records: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Prompt(Struct):
    """A prompt: its number in the session, its text, and how often it was repeated in a row."""

    number: int
    text: str
    times: int = 1


class Task(Struct):
    subject: str
    done: bool = False


class DigestState(Struct):
    """A session as of the last fact that was added."""

    events: int = 0
    names: dict[str, str | None] = {}  # title, repo, …
    cwd: str = ""
    first_at: int | None = None
    last_at: int = 0
    prompts: int = 0
    first_prompts: list[Prompt] = []
    last_prompts: deque[Prompt] = field(default_factory=partial(deque, maxlen=PROMPTS_LAST))
    answer: str = ""
    broke_off: str = ""  # the error of the latest turn, if it broke off
    summary: str = ""  # of the client's latest compaction
    tasks: dict[str, Task] = {}
    reports: dict[str, tuple[str, str]] = {}  # by subagent: its type and its text
    usage: ToolUsage = field(default_factory=ToolUsage)

    def take(self, fact: SessionFact) -> None:
        """Add the next fact in log order."""
        if fact.kind != EVENTS_RECORDED:
            record = _records.decode(fact.text) if fact.text else None
            if isinstance(record, SessionCreated):  # values that were changed since stay
                self.names = {name: getattr(record, name) for name in _NAMES} | self.names
            elif isinstance(record, SessionChanged):
                given = {name: getattr(record, name, UNSET) for name in _NAMES}
                self.names |= {name: value for name, value in given.items() if value is not UNSET}
            return
        self.events += 1
        self.first_at = fact.at if self.first_at is None else min(self.first_at, fact.at)
        self.last_at = max(self.last_at, fact.at)
        self.cwd = fact.cwd or self.cwd
        if (step := _STEPS.get(fact.event_type)) is not None:
            step(self, fact)


def _prompt(state: DigestState, fact: SessionFact) -> None:
    text = (fact.text or fact.label).strip()
    if not text or fact.asked_by_a_machine:
        return
    state.prompts += 1
    text = cut(text, TEXT_MAX)
    prompts = state.last_prompts or state.first_prompts
    if prompts and prompts[-1].text == text:
        prompts[-1].times += 1
    elif len(state.first_prompts) < PROMPTS_FIRST:
        state.first_prompts.append(Prompt(state.prompts, text))
    else:
        state.last_prompts.append(Prompt(state.prompts, text))


def _stop(state: DigestState, fact: SessionFact) -> None:
    """Store the last answer, or why there is none. A stop with an agent id is a subagent's."""
    if fact.agent_id:
        return
    if fact.event_type == "StopFailure":
        state.broke_off = fact.detail or "unknown"
    else:
        state.broke_off = ""
        state.answer = cut(fact.text.strip(), TEXT_MAX) or state.answer


def _subagent_stop(state: DigestState, fact: SessionFact) -> None:
    if fact.text.strip():
        state.reports[fact.agent_id] = fact.agent_type or "subagent", fact.text


def _post_compact(state: DigestState, fact: SessionFact) -> None:
    state.summary = cut(fact.text.strip(), TEXT_MAX) or state.summary


def _task(state: DigestState, fact: SessionFact) -> None:
    """Add either half of a task; either may come first."""
    if fact.task_id:
        task = state.tasks.setdefault(fact.task_id, Task(fact.label))
        task.subject = task.subject or fact.label
        task.done = task.done or fact.event_type == "TaskCompleted"


_STEPS: dict[str, Callable[[DigestState, SessionFact], None]] = {
    "UserPromptSubmit": _prompt,
    "Stop": _stop,
    "StopFailure": _stop,
    "SubagentStop": _subagent_stop,
    "PostCompact": _post_compact,
    "TaskCreated": _task,
    "TaskCompleted": _task,
    **dict.fromkeys(TOOL_EVENTS, lambda state, fact: state.usage.take(fact)),
}
