"""The random numbers and state of a made-up session, and the fields of every hook payload."""

from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct

from cli.demo import sample_data
from cli.demo.sample_data import Project
from schemas import times

Extra = dict[str, Any]
SampleEvent = tuple[str, Extra]  # (event type, payload)
PERMISSION_MODES = ("default", "acceptEdits", "plan", "auto")


class SessionBuilder(Struct):
    """Builds the hook events of one session, all determined by ``rng``."""

    rng: Random
    project: Project
    model: str
    client_session: str  # the client's session id, inside payloads
    base: Extra
    prompt_id: str = ""
    open_tasks: list[tuple[str, str]] = []
    tasks: int = 0

    @classmethod
    def of(cls, rng: Random, project: Project, model: str) -> "SessionBuilder":
        """Return a builder whose payloads come from one machine and one working copy."""
        client_session = uuid_text(rng)
        cwd = f"/home/dev/{project.repo}"
        base = {
            "session_id": client_session,
            "transcript_path": f"/home/dev/.claude/projects/{project.repo.replace('/', '-')}/{client_session}.jsonl",
            "cwd": cwd,
            "permission_mode": rng.choice(PERMISSION_MODES),
        }
        return cls(rng, project, model, client_session, base)

    def event(self, kind: str, /, agent: tuple[str, str] | None = None, **extra: Any) -> SampleEvent:
        """Return a hook event with the base fields, from a subagent if ``agent`` (id, type) is given."""
        data = {"hook_event_name": kind, **self.base, **extra}
        if self.prompt_id:
            data["prompt_id"] = self.prompt_id
        if agent is not None:
            data["agent_id"], data["agent_type"] = agent
        return kind, data

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def path(self) -> str:
        return f"{self.base['cwd']}/{self.rng.choice(sample_data.FILES)}"

    def lines(self, low: int, high: int) -> str:
        """Return lines of code or output. Each differs somewhere, so they compress no better than real ones."""
        rng = self.rng
        lines = rng.choices(sample_data.LINES, k=rng.randint(low, high))
        return "\n".join([line.format(name=self.name(), n=rng.randrange(10_000)) for line in lines])

    def prose(self, low: int, high: int) -> str:
        """Return sentences of an answer."""
        sentences = self.rng.choices(sample_data.SENTENCES, k=self.rng.randint(low, high))
        return " ".join([sentence.format(name=self.name(), n=self.rng.randrange(400)) for sentence in sentences])

    def name(self) -> str:
        return "_".join(self.rng.choices(sample_data.NAMES, k=2))

    def hex(self, digits: int) -> str:
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"


def uuid_text(rng: Random) -> str:
    """Return a version 4 UUID that depends only on the seed."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def rfc3339(at: datetime) -> str:
    """Format a time as RFC 3339 in UTC with milliseconds."""
    return times.instant(round(at.timestamp() * 1000))
