"""The analysis of a session that has ended; `schemas.findings` describes its fields."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable

from processors.derivations.analysis.timeline import Timeline
from processors.derivations.digest.truncate import cut, one_line
from processors.derivations.session_facts import SUBJECT_MAX, SessionFact
from processors.derivations.tool_usage import EDITORS, SHELLS, TOOL_EVENTS, ToolTally, ToolUsage
from schemas.findings import EditedFile, Findings, RepeatedCommand, RunOfTests, ToolErrorRate
from schemas.log.records import EVENTS_RECORDED

LISTED = 20  # commands
FILES = 200
COMMAND_MAX = 500  # characters
TITLE_MAX = 80  # characters
_MARKS = re.compile(r"^[\s#>*`\-]+")
_POLITE = re.compile(r"^(?:(?:hi|hello|hey)\b[\s,!.]*)?(?:(?:can|could|would) you\s+)?(?:please\s+)?", re.IGNORECASE)
_SENTENCE = re.compile(r".+?[.!?…](?=\s|$)")
_TESTS = re.compile(
    r"""(?:^|[\s;&|(/])(?:
        pytest | py\.test | tox | nox | vitest | jest | mocha | ctest | rspec | phpunit | playwright\s+test
      | python[\d.]*\s+-m\s+unittest
      | (?:npm|pnpm|yarn|bun|deno)\s+(?:run\s+)?test | node\s+--test
      | (?:go|cargo|dotnet|swift|mix|rake|rails|bazel|sbt|flutter)\s+(?:nextest|test)
      | (?:mvn|mvnw|gradle|gradlew)\b[^;&|]*\b(?:test|verify|check) | make\s+(?:\S+\s+)*?(?:test|check)
    )(?![\w.-])""",
    re.VERBOSE,
)


class Analysis:
    """Collects the findings; `findings` may be called after any fact."""

    def __init__(self) -> None:
        self.events = 0
        self._timeline, self._usage = Timeline(), ToolUsage()
        self._title: str | None = None

    def take(self, fact: SessionFact) -> None:
        if fact.kind != EVENTS_RECORDED:
            return
        self.events += 1
        self._timeline.take(fact)
        if fact.event_type in TOOL_EVENTS:
            self._usage.take(fact)
        elif fact.event_type == "UserPromptSubmit" and self._title is None:
            self._title = title_of(fact)

    def findings(self, sensitive: bool) -> Findings:
        """Return the findings. For a ``sensitive`` session they are only numbers and times."""
        commands = [] if sensitive else list(self._usage.of(SHELLS))
        files = [] if sensitive else list(self._usage.of(EDITORS))
        time_split, longest_gaps = self._timeline.times()
        return Findings(
            time_split=time_split,
            tool_error_rates=_error_rates(self._usage),
            repeated_commands=_repeated(commands),
            files_edited=_edited(files),
            tests_run=_tests(commands),
            longest_gaps=longest_gaps,
            suggested_title=None if sensitive else self._title,
        )


def title_of(fact: SessionFact) -> str | None:
    """Return the first sentence of a prompt, in one line; None if it is empty or a command to the client."""
    if fact.asked_by_a_machine:
        return None
    lines = (_MARKS.sub("", line).strip() for line in (fact.text or fact.label).splitlines())
    line = _POLITE.sub("", next(filter(None, lines), ""))
    if not line or line.startswith("/"):
        return None
    sentence = match.group() if (match := _SENTENCE.match(line)) else line
    title = one_line(sentence.rstrip(".:"), TITLE_MAX)
    return title[:1].upper() + title[1:] or None


def _error_rates(usage: ToolUsage) -> list[ToolErrorRate]:
    calls: dict[str, tuple[int, int]] = {}
    for (tool, _), tally in usage.tallies.items():
        before = calls.get(tool, (0, 0))
        calls[tool] = before[0] + tally.calls, before[1] + tally.failures
    rates = [ToolErrorRate(tool, n, e, e / n if n else None) for tool, (n, e) in calls.items() if n or e]
    return sorted(rates, key=lambda rate: (-rate.errors, -rate.calls, rate.tool_name))


def _repeated(commands: Iterable[tuple[str, ToolTally]]) -> list[RepeatedCommand]:
    rows = [RepeatedCommand(one_line(text, COMMAND_MAX), t.runs, t.failures) for text, t in commands if t.runs > 1]
    return heapq.nsmallest(LISTED, rows, key=lambda row: (-row.runs, row.command))


def _tests(commands: Iterable[tuple[str, ToolTally]]) -> list[RunOfTests]:
    rows = [
        RunOfTests(one_line(text, COMMAND_MAX), tally.runs, tally.failures, tally.last_failed)
        for text, tally in commands
        if tally.runs and _TESTS.search(text)
    ]
    return heapq.nsmallest(LISTED, rows, key=lambda row: (-row.runs, row.command))


def _edited(usage: Iterable[tuple[str, ToolTally]]) -> list[EditedFile]:
    edits: Counter[str] = Counter()
    for path, tally in usage:
        edits[path] += tally.done
    rows = [EditedFile(cut(path, SUBJECT_MAX), count) for path, count in edits.items() if count]
    return heapq.nsmallest(FILES, rows, key=lambda row: (-row.edits, row.path))
