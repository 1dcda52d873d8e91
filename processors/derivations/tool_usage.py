"""Counts uses of tools, by tool and by command or path. A use counts once, whichever of its halves is present."""

from collections.abc import Iterator

from msgspec import Struct

from processors.derivations.session_facts import SessionFact

SHELLS = frozenset({"Bash", "PowerShell"})
TOOL_EVENTS = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied"})
EDITORS = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
Subject = tuple[str, str]  # (tool, command or path)


class ToolTally(Struct):
    """Uses of one tool on one subject. ``last_failed`` is the outcome of the latest use that ended."""

    calls: int = 0
    failures: int = 0
    denied: int = 0
    last_failed: bool = False
    error: str = ""  # of the latest failure
    latest: int = 0  # the number of tool facts read when it was used last

    @property
    def done(self) -> int:
        """How many neither failed nor were denied; a use without an end may have succeeded."""
        return max(0, self.calls - self.failures - self.denied)

    @property
    def runs(self) -> int:
        """How many ran; a failure without its call counts as a run."""
        return max(self.calls - self.denied, self.failures)


class ToolUsage:
    """All uses of tools. The rules for counting are those of the session's own counts."""

    def __init__(self) -> None:
        self.tallies: dict[Subject, ToolTally] = {}
        self._by_id: dict[str, ToolTally] = {}
        self._reported: set[tuple[str, str]] = set()  # tool use, type of event
        self._seen = 0

    def take(self, fact: SessionFact) -> None:
        """Add a fact of `TOOL_EVENTS`."""
        self._seen += 1
        tally = self._tally(fact)
        tally.latest = self._seen
        if fact.event_type == "PostToolUseFailure":
            tally.last_failed, tally.error = True, fact.detail
            if self._is_first(fact):
                tally.failures += 1
        elif fact.event_type == "PermissionDenied" and fact.tool_use_id and self._is_first(fact):
            tally.denied += 1
        elif fact.event_type == "PostToolUse":
            tally.last_failed = False

    def of(self, tools: frozenset[str]) -> Iterator[tuple[str, ToolTally]]:
        """Yield what these tools were used on, where that is known."""
        return ((thing, tally) for (tool, thing), tally in self.tallies.items() if tool in tools and thing)

    def _tally(self, fact: SessionFact) -> ToolTally:
        """Return the tally of a use, which stays that of its first fact, and count its call."""
        tally = self._by_id.get(fact.tool_use_id)
        if tally is None:
            tally = self.tallies.setdefault((fact.tool_name, fact.text), ToolTally())
            if fact.tool_use_id:
                self._by_id[fact.tool_use_id] = tally
            if fact.tool_use_id or fact.event_type == "PreToolUse":
                tally.calls += 1
        return tally

    def _is_first(self, fact: SessionFact) -> bool:
        """Return whether the use has not had an event of this type before. Without an id, each event is a use."""
        report = fact.tool_use_id, fact.event_type
        is_first = not fact.tool_use_id or report not in self._reported
        self._reported.add(report)
        return is_first
