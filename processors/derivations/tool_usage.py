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


class _Use(Struct):
    tally: ToolTally
    failed: bool = False
    denied: bool = False


class ToolUsage:
    """All uses of tools. The rules for counting are those of the session's own counts."""

    def __init__(self) -> None:
        self.tallies: dict[Subject, ToolTally] = {}
        self._by_id: dict[str, _Use] = {}
        self._seen = 0

    def take(self, fact: SessionFact) -> None:
        """Add a fact of `TOOL_EVENTS`."""
        self._seen += 1
        use = self._use(fact)
        tally = use.tally
        tally.latest = self._seen
        if fact.event_type == "PostToolUseFailure":
            self._fail(use, fact.detail)
        elif fact.event_type == "PermissionDenied" and not use.denied and fact.tool_use_id:
            use.denied = True
            tally.denied += 1
        elif fact.event_type == "PostToolUse":
            tally.last_failed = False

    def of(self, tools: frozenset[str]) -> Iterator[tuple[str, ToolTally]]:
        """Yield what these tools were used on, where that is known."""
        return ((thing, tally) for (tool, thing), tally in self.tallies.items() if tool in tools and thing)

    def _use(self, fact: SessionFact) -> _Use:
        if not fact.tool_use_id:
            tally = self._tally(fact)
            tally.calls += fact.event_type == "PreToolUse"
            return _Use(tally)
        use = self._by_id.get(fact.tool_use_id)
        if use is None:
            use = self._by_id[fact.tool_use_id] = _Use(self._tally(fact))
            use.tally.calls += 1
        return use

    def _tally(self, fact: SessionFact) -> ToolTally:
        subject = (fact.tool_name, fact.text)
        tally = self.tallies.get(subject)
        if tally is None:
            tally = self.tallies[subject] = ToolTally()
        return tally

    @staticmethod
    def _fail(use: _Use, error: str) -> None:
        use.tally.last_failed, use.tally.error = True, error
        if not use.failed:
            use.failed = True
            use.tally.failures += 1
