"""Counts tool uses, by tool and by command or path. A use counts once, whichever half of it is present."""

from collections.abc import Iterator

from msgspec import Struct

from processors.derivations.session_facts import SessionFact

SHELLS = frozenset({"Bash", "PowerShell"})
TOOL_EVENTS = frozenset(
    {"PreToolUse", "PermissionRequest", "PermissionDenied", "PostToolUse", "PostToolUseFailure", "PostToolBatch"}
)
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
    latest: int = 0  # how many tool facts had been read when it was last used

    @property
    def runs(self) -> int:
        """How many ran; a failure without its call counts as a run."""
        return max(self.calls - self.not_run, self.failures)


class _Use(Struct):
    """A use with an id: where it counts, what was reported about it, and how it counts so far."""

    tool: str
    thing: str
    permission: str = ""  # what it may ask for
    begun: bool = False
    asked: bool = False
    batched: bool = False
    denied: bool = False
    denied_by_text: bool = False
    refused: bool = False
    failed: bool = False
    succeeded: bool = False
    counted: tuple[bool, bool, bool] = (False, False, False)

    def outcome(self) -> tuple[bool, bool, bool]:
        """Return whether it failed, did not run, or is done. The fold's rule says whether it was denied."""
        is_refused = self.denied_by_text or (self.asked and self.batched)
        is_denied = self.denied or (is_refused and not (self.failed or self.succeeded))
        has_failed, not_run = self.failed or self.refused, is_denied or (self.refused and not self.begun)
        return has_failed, not_run, not has_failed and (self.succeeded or (self.batched and not not_run))


class ToolUsage:
    """All tool uses. They count by the same rules as the session's own counts."""

    def __init__(self) -> None:
        self.tallies: dict[Subject, ToolTally] = {}
        self._by_id: dict[str, _Use] = {}
        self._by_permission: dict[str, list[_Use]] = {}
        self._permissions: set[str] = set()  # those that users were asked for
        self._seen = 0

    def take(self, fact: SessionFact) -> None:
        """Add a fact of `TOOL_EVENTS`. Only a batch reports refused calls; a request for a permission names no use."""
        self._seen += 1
        if fact.event_type == "PostToolBatch":
            for tool_use_id, tool, outcome in fact.calls:
                use = self._use(tool_use_id, tool, "")
                self._tally(use.tool, use.thing)
                use.batched = True
                use.refused |= outcome == "error"
                use.denied_by_text |= outcome == "denied"
                self._count(use)
        elif fact.event_type == "PermissionRequest":
            if fact.detail not in self._permissions:
                self._permissions.add(fact.detail)
                for use in self._by_permission.get(fact.detail, ()):
                    use.asked = True
                    self._count(use)
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
                if (permission := fact.detail) and not use.permission:
                    use.permission, use.asked = permission, permission in self._permissions
                    self._by_permission.setdefault(permission, []).append(use)
            case "PostToolUse":
                use.succeeded = True
                tally.last_failed = False
            case "PostToolUseFailure":
                use.failed = True
                tally.last_failed, tally.error = True, fact.detail
            case "PermissionDenied":
                use.denied = True
        self._count(use)

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
        """Return a use; it counts under the first subject that its facts name."""
        use = self._by_id.get(tool_use_id)
        if use is None:
            use = self._by_id[tool_use_id] = _Use(tool, thing)
            self._tally(tool, thing).calls += 1
        elif thing and not use.thing:
            old, new = self._tally(use.tool, use.thing), self._tally(tool, thing)
            use.tool, use.thing = tool, thing
            old.calls, new.calls = old.calls - 1, new.calls + 1
            _add(old, use.counted, -1)
            _add(new, use.counted, 1)
        return use

    def _count(self, use: _Use) -> None:
        if (outcome := use.outcome()) != use.counted:
            tally = self.tallies[use.tool, use.thing]
            _add(tally, use.counted, -1)
            _add(tally, outcome, 1)
            use.counted = outcome

    def _tally(self, tool: str, thing: str) -> ToolTally:
        tally = self.tallies.setdefault((tool, thing), ToolTally())
        tally.latest = self._seen
        return tally


def _add(tally: ToolTally, outcome: tuple[bool, bool, bool], sign: int) -> None:
    failed, not_run, done = outcome
    tally.failures += sign * failed
    tally.not_run += sign * not_run
    tally.done += sign * done
