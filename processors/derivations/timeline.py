"""Where the time of a session went: its events in the order of their times, and the stretches between them."""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from processors.derivations.story import StoryFact
from schemas.findings import Gap, TimeSplit
from schemas.responses import instant

IDLE_MS = 600_000  # without any event, and without a tool at work, somebody went away or a machine slept
GAPS = 5
_BEGIN = frozenset({"PreToolUse"})
_FINISH = frozenset({"PostToolUse", "PostToolUseFailure", "PermissionDenied"})
_STOPS = frozenset({"Stop", "StopFailure", "SessionEnd"})
_GOES_ON = frozenset({"UserPromptSubmit", "UserPromptExpansion", "SessionStart", "PreToolUse"})
_ASKS = frozenset({"idle_prompt", "elicitation_dialog", "agent_needs_input"})  # notifications


class _Mark(NamedTuple):
    at: int
    number: int  # in log order: of two events at the same time the one that stands first comes first
    event_type: str
    tool_use_id: str
    of_agent: bool
    asks: bool


class _Stretch(NamedTuple):
    before: _Mark
    after: _Mark
    during: str  # tools | waiting | model | idle

    @property
    def ms(self) -> int:
        return self.after.at - self.before.at


class Timeline:
    """The times of a session's events. (They may reach the log in another order.)"""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []

    def take(self, fact: StoryFact) -> None:
        """One more event."""
        asks = fact.event_type == "Notification" and fact.detail in _ASKS
        number = len(self._marks)
        self._marks.append(_Mark(fact.at, number, fact.event_type, fact.tool_use_id, bool(fact.agent_id), asks))

    def split(self) -> TimeSplit:
        """The time between the first and the last event, by what was going on."""
        spent = {"tools": 0, "model": 0, "waiting": 0, "idle": 0}
        for stretch in self._stretches():
            spent[stretch.during] += stretch.ms
        return TimeSplit(sum(spent.values()), *spent.values())

    def longest_gaps(self) -> list[Gap]:
        """The longest stretches, the earlier of two equal ones first."""
        gaps = heapq.nsmallest(GAPS, self._stretches(), key=lambda stretch: (-stretch.ms, stretch.before))
        return [_gap(stretch) for stretch in gaps if stretch.ms > 0]

    def _stretches(self) -> Iterator[_Stretch]:
        marks = sorted(self._marks)
        running: set[str] = set()
        waiting = False
        for mark, following in pairwise(marks):
            _run(running, mark)
            waiting = _waits(waiting, mark)
            yield _Stretch(mark, following, _during(following.at - mark.at, bool(running), waiting))


def _run(running: set[str], mark: _Mark) -> None:
    """A turn that is over leaves no tool running: one that was interrupted never says so."""
    if mark.event_type in _BEGIN and mark.tool_use_id:
        running.add(mark.tool_use_id)
    elif mark.event_type in _FINISH:
        running.discard(mark.tool_use_id)
    elif not mark.of_agent and (mark.event_type in _STOPS or mark.event_type == "UserPromptSubmit"):
        running.clear()


def _waits(waiting: bool, mark: _Mark) -> bool:
    if mark.event_type in _GOES_ON:
        return False
    return waiting or mark.asks or (mark.event_type in _STOPS and not mark.of_agent)


def _during(ms: int, tool_runs: bool, waiting: bool) -> str:
    if tool_runs:
        return "tools"
    if ms > IDLE_MS:
        return "idle"
    return "waiting" if waiting else "model"


def _gap(stretch: _Stretch) -> Gap:
    before, after = stretch.before, stretch.after
    return Gap(instant(before.at), instant(after.at), stretch.ms, before.event_type, after.event_type)
