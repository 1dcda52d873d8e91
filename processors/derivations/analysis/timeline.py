"""Splits the time of a session: its events in the order of their times, and the stretches between them."""

import heapq
from itertools import pairwise

from processors.derivations.session_facts import SessionFact
from schemas.findings import Gap, TimeSplit
from schemas.times import instant

IDLE_MS = 600_000  # without any event or running tool: the user went away, or a machine slept
GAPS = 5

# What an event changes: a tool begins or ends, a batch of calls is over, the turn passes to the user or continues, the
# client asks the user in the middle of a turn.
_NOTHING, _BEGINS, _DONE, _BATCH, _TURN_OVER, _IDLE, _ASKS, _NEW_TURN, _GOES_ON = range(9)
_CHANGES = {
    "PreToolUse": _BEGINS,
    "PostToolUse": _DONE,
    "PostToolUseFailure": _DONE,
    "PermissionDenied": _DONE,
    "PostToolBatch": _BATCH,
    "SessionStart": _IDLE,
    "Stop": _TURN_OVER,
    "StopFailure": _TURN_OVER,
    "SessionEnd": _TURN_OVER,
    "Notification": _IDLE,
    "PermissionRequest": _ASKS,
    "Elicitation": _ASKS,
    "ElicitationResult": _GOES_ON,
    "UserPromptSubmit": _NEW_TURN,
    "UserPromptExpansion": _GOES_ON,
}
_OF_AGENTS = (_BEGINS, _DONE, _BATCH, _ASKS)
_QUESTION = "AskUserQuestion"  # a tool that waits for the user
_WAITS_FOR_USER = frozenset({"idle_prompt", "elicitation_dialog", "agent_needs_input"})  # notifications
_Mark = tuple[int, int, int, str, str, str]  # time, place in the log, change, subagent, tool use, type


class Timeline:
    """The times of a session's events. The log may have them in another order, which counts only for equal times."""

    def __init__(self) -> None:
        self._marks: list[_Mark] = []

    def take(self, fact: SessionFact) -> None:
        change = _CHANGES.get(fact.event_type, _NOTHING)
        if fact.agent_id and change not in _OF_AGENTS:
            change = _NOTHING
        if fact.event_type == "Notification" and fact.detail not in _WAITS_FOR_USER:
            change = _NOTHING
        if change == _BEGINS and fact.tool_name == _QUESTION:
            change = _ASKS
        self._marks.append((fact.at, len(self._marks), change, fact.agent_id, fact.tool_use_id, fact.event_type))

    def times(self) -> tuple[TimeSplit, list[Gap]]:
        """Return the time between the first and the last event by activity, and its longest stretches."""
        marks = sorted(self._marks)
        spent = {"tools": 0, "model": 0, "waiting": 0, "idle": 0}
        lengths = []
        activity = _Activity()
        for (at, _, change, agent, use, _), following in pairwise(marks):
            if change != _NOTHING:
                activity.change(change, agent, use)
            ms = following[0] - at
            spent[activity.during(ms)] += ms
            lengths.append(ms)
        longest = heapq.nsmallest(GAPS, range(len(lengths)), key=lambda place: (-lengths[place], place))
        gaps = [_gap(marks[place], marks[place + 1]) for place in longest if lengths[place]]
        return TimeSplit(sum(lengths), *spent.values()), gaps


class _Activity:
    """What is going on: running tools by the agent that uses them, agents that ask, whether the session waits."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._asking: set[str] = set()
        self._waiting = False

    def change(self, change: int, agent: str, use: str) -> None:
        """Apply a change. An agent asks until its next event.

        The end of a turn ends all its tools, since an interrupt sends no event for them.
        """
        self._asking.discard(agent)
        if change == _ASKS:
            self._asking.add(agent)
        elif change == _BEGINS and use:
            self._running[use] = agent
        elif change == _DONE:
            self._running.pop(use, None)
        elif change == _BATCH:
            self._running = {use: of for use, of in self._running.items() if of != agent}
        elif change in (_TURN_OVER, _NEW_TURN):
            self._running.clear()
            self._asking.clear()
        # Whether the turn is the user's. What a subagent does meanwhile doesn't change that.
        still_waits = change in (_DONE, _BATCH) or agent != ""
        self._waiting = change in (_TURN_OVER, _IDLE) or (self._waiting and still_waits)

    def during(self, ms: int) -> str:
        """Return the activity of a stretch without events: while an agent asks, its tools do not run yet."""
        if any(agent not in self._asking for agent in self._running.values()):
            return "tools"
        if ms > IDLE_MS:
            return "idle"
        return "waiting" if self._waiting or self._asking else "model"


def _gap(before: _Mark, after: _Mark) -> Gap:
    return Gap(instant(before[0]), instant(after[0]), after[0] - before[0], before[-1], after[-1])
