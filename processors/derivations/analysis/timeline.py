"""Splits the time of a session: its events in the order of their times, and the stretches between them."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kernel.times import instant
from processors.derivations.session_facts import SessionFact
from schemas.findings import Gap, TimeSplit

IDLE_MS = 600_000  # without any event or running tool: the user went away, or a machine slept
GAPS = 5

# What an event changes: a tool begins or ends, the turn passes to the user, or continues.
_NOTHING, _BEGINS, _DONE, _TURN_OVER, _ASKS, _NEW_TURN, _GOES_ON = range(7)
_CHANGES = {
    "PreToolUse": _BEGINS,
    "PostToolUse": _DONE,
    "PostToolUseFailure": _DONE,
    "PermissionDenied": _DONE,
    "Stop": _TURN_OVER,
    "StopFailure": _TURN_OVER,
    "SessionEnd": _TURN_OVER,
    "Notification": _ASKS,
    "UserPromptSubmit": _NEW_TURN,
    "UserPromptExpansion": _GOES_ON,
    "SessionStart": _GOES_ON,
}
_OF_TOOLS = (_BEGINS, _DONE)
_WAITS_FOR_USER = frozenset({"idle_prompt", "elicitation_dialog", "agent_needs_input"})  # notifications
_Mark = tuple[int, int, int, bool, str, str]  # time, place in the log, change, of a subagent, tool use, type


class Timeline:
    """The times of a session's events. They may be in another order in the log, which orders equal times."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []

    def take(self, fact: SessionFact) -> None:
        """Add an event."""
        change, of_agent = _CHANGES.get(fact.event_type, _NOTHING), fact.agent_id != ""
        if (of_agent and change not in _OF_TOOLS) or (change == _ASKS and fact.detail not in _WAITS_FOR_USER):
            change = _NOTHING
        self._marks.append((fact.at, len(self._marks), change, of_agent, fact.tool_use_id, fact.event_type))

    def times(self) -> tuple[TimeSplit, list[Gap]]:
        """Return the time between the first and the last event by activity, and its longest stretches."""
        marks = sorted(self._marks)
        spent = {"tools": 0, "model": 0, "waiting": 0, "idle": 0}
        lengths = []
        for ms, during in _stretches(marks):
            spent[during] += ms
            lengths.append(ms)
        longest = heapq.nsmallest(GAPS, range(len(lengths)), key=lambda place: (-lengths[place], place))
        gaps = [_gap(marks[place], marks[place + 1]) for place in longest if lengths[place]]
        return TimeSplit(sum(lengths), *spent.values()), gaps


def _stretches(marks: Sequence[_Mark]) -> Iterator[tuple[int, str]]:
    """Yield the time from each event to the next, and the activity in it."""
    running: set[str] = set()
    waiting = False
    for (at, _, change, of_agent, use, _), following in pairwise(marks):
        if change != _NOTHING:
            _run(running, change, use)
            waiting = _waits(waiting, change, of_agent)
        ms = following[0] - at
        yield ms, "tools" if running else "idle" if ms > IDLE_MS else "waiting" if waiting else "model"


def _run(running: set[str], change: int, use: str) -> None:
    """Update the running tools. The end of a turn ends all: an interrupted tool sends no event."""
    if change == _BEGINS and use:
        running.add(use)
    elif change == _DONE:
        running.discard(use)
    elif change in (_TURN_OVER, _NEW_TURN):
        running.clear()


def _waits(waiting: bool, change: int, of_agent: bool) -> bool:
    """Return whether the session waits for the user. A subagent may continue meanwhile."""
    if change in (_TURN_OVER, _ASKS):
        return True
    return waiting and (change == _DONE or of_agent)


def _gap(before: _Mark, after: _Mark) -> Gap:
    return Gap(instant(before[0]), instant(after[0]), after[0] - before[0], before[-1], after[-1])
