"""A session's facts as derivations read them, and the request for a derivation."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from schemas.log.records import CompactionRequested, SessionEnded

TEXT_MAX, SUBJECT_MAX = 8_000, 1_000  # characters of a prompt or an answer; of a command, a path or an error


class SessionFact(NamedTuple):
    """One fact. Texts are cut to one character more than their maximum, so that a cut can be detected."""

    org_id: str
    session_id: str
    log_offset: int
    kind: str
    at: int  # ms since 1970
    event_type: str  # of a hook event, else ""
    tool_name: str
    tool_use_id: str
    agent_id: str
    agent_type: str
    task_id: str
    label: str
    text: str  # prompt, answer or summary; the command or path of a tool; the record of a create or a change
    detail: str  # a failure's error, who asked if no user did, a notification's type, what a use asks permission for
    cwd: str
    calls: Sequence[tuple[str, str, str]] = ()  # of a batch: id, tool and outcome (error, denied or "") of each

    @property
    def asked_by_a_machine(self) -> bool:
        """Whether no user typed a prompt: the client made it to continue the session, or it went to a subagent."""
        return self.detail != "" or self.agent_id != ""


class DerivationRequest(NamedTuple):
    """A derivation that a fact requests, as of that fact. A retry uses the same value."""

    partition: int
    offset: int
    record: CompactionRequested | SessionEnded
    facts: int  # counted in the session by then; estimates the cost of reading
    floor: int = 0  # the least version of its row

    @property
    def session(self) -> tuple[str, UUID]:
        return self.record.org_id, self.record.session_id
