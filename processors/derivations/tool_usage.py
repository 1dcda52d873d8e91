"""Counts uses of tools, by tool and by command or path. A use counts once, whichever of its halves is present."""

from collections.abc import Iterator

from msgspec import Struct

from processors.derivations.session_facts import SessionFact

SHELLS = frozenset({"Bash", "PowerShell"})
TOOL_EVENTS = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "PostToolBatch"})
EDITORS = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
Subject = tuple[str, str]  # (tool, command or path)


class ToolTally(Struct):
    """Uses of one tool on one subject. ``last_failed`` is the outcome of the latest use that ended."""

    calls: int = 0
    failures: int = 0
    not_run: int = 0  # denied, or refused before they ran
    done: int = 0  # ended without a failure
    last_failed: bool = False
    error: str = ""  # of the latest failure
    latest: int = 0  # the number of tool facts read when it was used last

    @property
    def runs(self) -> int:
        """How many ran; a failure without its call counts as a run."""
        return max(self.calls - self.not_run, self.failures)


class _Use(Struct):
    """A use with an id: where it counts, and what was reported of it."""

    tool: str
    thing: str
    begun: bool = False
    failed: bool = False
    not_run: bool = False
    done: bool = False


class ToolUsage:
    """All uses of tools. The rules for counting are those of the session's own counts."""

    def __init__(self) -> None:
        self.tallies: dict[Subject, ToolTally] = {}
        self._by_id: dict[str, _Use] = {}
        self._seen = 0

    def take(self, fact: SessionFact) -> None:
        """Add a fact of `TOOL_EVENTS`."""
        self._seen += 1
        if fact.event_type == "PostToolBatch":
            for call in fact.calls:
                self._take_call(*call)
        elif fact.tool_use_id:
            self._take_use(fact)
        else:
            self._take_bare(fact)

    def of(self, tools: frozenset[str]) -> Iterator[tuple[str, ToolTally]]:
        """Yield what these tools were used on, where that is known."""
        return ((thing, tally) for (tool, thing), tally in self.tallies.items() if tool in tools and thing)

    def _take_use(self, fact: SessionFact) -> None:
        use = self._use(fact.tool_use_id, fact.tool_name, fact.text)
        tally = self._tally(use.tool, use.thing)
        match fact.event_type:
            case "PreToolUse":
                use.begun = True
            case "PostToolUse":
                self._done(tally, use)
                tally.last_failed = False
            case "PostToolUseFailure":
                self._fail(tally, use)
                tally.last_failed, tally.error = True, fact.detail
            case "PermissionDenied":
                self._not_run(tally, use)

    def _take_call(self, tool_use_id: str, tool: str, outcome: str) -> None:
        """Take a call of a batch: it alone tells of calls that were refused."""
        use = self._use(tool_use_id, tool, "")
        tally = self._tally(use.tool, use.thing)
        if outcome == "error":
            self._fail(tally, use)
        is_unapproved = outcome == "unapproved" and not (use.done or use.failed)
        if outcome == "denied" or is_unapproved or (outcome == "error" and not use.begun):
            self._not_run(tally, use)
        if outcome in ("", "unapproved") and not (use.failed or use.not_run):
            self._done(tally, use)

    def _take_bare(self, fact: SessionFact) -> None:
        """Take a fact without an id: each is a use of its own."""
        tally = self._tally(fact.tool_name, fact.text)
        match fact.event_type:
            case "PreToolUse":
                tally.calls += 1
            case "PostToolUse":
                tally.done += 1
                tally.last_failed = False
            case "PostToolUseFailure":
                tally.failures += 1
                tally.last_failed, tally.error = True, fact.detail

    def _use(self, tool_use_id: str, tool: str, thing: str) -> _Use:
        """Return a use; it counts where the first of its facts that tells its subject says."""
        use = self._by_id.get(tool_use_id)
        if use is None:
            use = self._by_id[tool_use_id] = _Use(tool, thing)
            self._tally(tool, thing).calls += 1
        elif thing and not use.thing:
            old = self._tally(use.tool, use.thing)
            use.tool, use.thing = tool, thing
            self._move(use, old, self._tally(tool, thing))
        return use

    @staticmethod
    def _move(use: _Use, old: ToolTally, new: ToolTally) -> None:
        for tally, sign in ((old, -1), (new, 1)):
            tally.calls += sign
            tally.failures += sign * use.failed
            tally.not_run += sign * use.not_run
            tally.done += sign * use.done

    def _tally(self, tool: str, thing: str) -> ToolTally:
        tally = self.tallies.setdefault((tool, thing), ToolTally())
        tally.latest = self._seen
        return tally

    @staticmethod
    def _done(tally: ToolTally, use: _Use) -> None:
        tally.done += not use.done
        use.done = True

    @staticmethod
    def _fail(tally: ToolTally, use: _Use) -> None:
        tally.failures += not use.failed
        tally.done -= use.done
        use.failed, use.done = True, False

    @staticmethod
    def _not_run(tally: ToolTally, use: _Use) -> None:
        tally.not_run += not use.not_run
        use.not_run = True
