"""The items of a digest: the section of each, its rank if there isn't room for all, and which of them fit."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeVar

from processors.derivations.digest.state import DigestState
from processors.derivations.digest.truncate import cut, one_line
from processors.derivations.tool_usage import EDITORS, SHELLS, ToolTally, ToolUsage

K = TypeVar("K")
LISTED = 200  # at most, of each of the latest files, commands, failures, tasks and reports
LINE_MAX, ERROR_MAX = 200, 300  # characters
SECTIONS = (
    "Asked for",
    "Last answer",
    "Open tasks",
    "Failures",
    "Files changed",
    "What subagents reported",
    "Summary of what came before",
    "Commands",
    "Files read",
)
ASKED, ANSWER, TASKS, FAILURES, CHANGED, SUBAGENTS, SUMMARY, COMMANDS, READ = range(len(SECTIONS))
_LEFT_OUT = "(… and {} more)"
_LEFT_OUT_MAX = len(_LEFT_OUT.format(999_999)) + 1
_WORTH_CUTTING = 80  # characters; a shorter part of an item is useless
_AGENTS = frozenset({"Agent", "Task"})  # tools without a file


class Item(NamedTuple):
    """A piece of a section with its place in it. Items are added by ``rank``, then ``keep``, then place."""

    section: int
    rank: int
    place: int
    text: str
    keep: int = 0


class Rank(IntEnum):
    """The order in which items are added."""

    GOAL = 0  # the first and the last prompt
    ANSWER = 1
    OPEN_TASK = 2
    FAILING = 3  # without a later success
    CHANGED_FILE = 4
    PROMPT = 5  # later ones first
    SUMMARY = 6
    FAILED_ONCE = 7
    SUBAGENT = 8
    COMMAND = 9
    READ_FILE = 10


def digest_items(state: DigestState, limit: int) -> list[Item]:
    """Return everything that a digest of ``limit`` characters could hold."""
    usage = state.usage
    return [
        *_prompts(state, limit),
        *_answers(state, limit),
        *_tasks(state),
        *_failures(usage, state.cwd),
        *_commands(usage),
        *_files(usage, state.cwd),
        *_reports(state, limit),
    ]


def fit(head: str, items: Sequence[Item], limit: int) -> str:
    """Return the head, then as many items as fit into ``limit`` characters, below their titles."""
    kept: dict[int, list[Item]] = {}
    left_out: Counter[int] = Counter()
    room = limit - len(head)
    for item in sorted(items, key=lambda item: (item.rank, item.keep, item.place, item.section)):
        opening = 0 if item.section in kept else len(_title(item.section)) + _LEFT_OUT_MAX
        free = room - opening - 1
        if not item.text or (len(item.text) > free and free < _WORTH_CUTTING):
            left_out[item.section] += 1
            continue
        text = cut(item.text, free)
        kept.setdefault(item.section, []).append(item._replace(text=text))
        room -= opening + len(text) + 1
    whole = head
    for section in sorted(kept):
        lines = [item.text for item in sorted(kept[section], key=lambda item: item.place)]
        if left_out[section]:
            lines.append(_LEFT_OUT.format(left_out[section]))
        whole += "\n".join([_title(section), *lines])
    return cut(whole, limit)


def _title(section: int) -> str:
    return f"\n\n## {SECTIONS[section]}"


def _prompts(state: DigestState, limit: int) -> Iterator[Item]:
    prompts = [*state.first_prompts, *state.last_prompts]
    for place, prompt in enumerate(prompts):
        outer = place in (0, len(prompts) - 1)
        text = cut(prompt.text, limit // 5 if outer else max(120, limit // 20)).replace("\n", "\n   ")
        often = f" (asked {prompt.times} times)" if prompt.times > 1 else ""
        rank, keep = (Rank.GOAL, place) if outer else (Rank.PROMPT, -place)
        yield Item(ASKED, rank, place, f"{prompt.number}. {text}{often}", keep)


def _answers(state: DigestState, limit: int) -> Iterator[Item]:
    if state.answer:
        yield Item(ANSWER, Rank.ANSWER, 0, _quoted(cut(state.answer, limit // 4)))
    if state.broke_off:
        yield Item(ANSWER, Rank.ANSWER, 1, f"(The latest turn broke off: {one_line(state.broke_off, LINE_MAX)})")
    if state.summary:
        yield Item(SUMMARY, Rank.SUMMARY, 0, _quoted(cut(state.summary, limit // 5)))


def _tasks(state: DigestState) -> Iterator[Item]:
    still_open = [(task_id, task) for task_id, task in state.tasks.items() if not task.done]
    for place, (task_id, task) in enumerate(still_open[-LISTED:]):
        text = ": ".join(filter(None, (one_line(task_id, 60), one_line(task.subject, LINE_MAX))))
        yield Item(TASKS, Rank.OPEN_TASK, place, f"- {text}")


def _failures(usage: ToolUsage, cwd: str) -> Iterator[Item]:
    failed = ((subject, tally) for subject, tally in usage.tallies.items() if tally.failures)
    latest = sorted(_latest(failed), key=lambda item: not item[1].last_failed)
    for place, ((tool, thing), tally) in enumerate(latest):
        rank = Rank.FAILING if tally.last_failed else Rank.FAILED_ONCE
        what = _code(thing) if tool in SHELLS and thing else f"{one_line(tool, 60)} {_path(thing, cwd)}".strip()
        yield Item(FAILURES, rank, place, f"- {what} {_how(tally)}")


def _how(tally: ToolTally) -> str:
    how = f"failed {tally.failures} of {tally.runs}" if tally.runs > 1 else "failed"
    since = "" if tally.last_failed or tally.runs <= 1 else " (worked since)"
    return f"{how}{since}: {one_line(tally.error, ERROR_MAX)}" if tally.error else f"{how}{since}"


def _commands(usage: ToolUsage) -> Iterator[Item]:
    worked = ((thing, tally) for thing, tally in usage.of(SHELLS) if not tally.failures and tally.runs)
    for place, (command, tally) in enumerate(_latest(worked)):
        yield Item(COMMANDS, Rank.COMMAND, place, f"- {_code(command)}{_times(tally.runs)}")


def _files(usage: ToolUsage, cwd: str) -> Iterator[Item]:
    changed = _by_path(usage.of(EDITORS))
    others = frozenset(tool for tool, _ in usage.tallies) - EDITORS - SHELLS - _AGENTS
    read = {path: tally for path, tally in _by_path(usage.of(others)).items() if path not in changed}
    for section, rank, files in ((CHANGED, Rank.CHANGED_FILE, changed), (READ, Rank.READ_FILE, read)):
        for place, (path, tally) in enumerate(_latest(files.items())):
            yield Item(section, rank, place, f"- {_path(path, cwd)}{_times(tally.calls)}")


def _reports(state: DigestState, limit: int) -> Iterator[Item]:
    for place, (agent_type, report) in enumerate(list(state.reports.values())[-LISTED:]):
        text = f"- {one_line(agent_type, 60)}: {one_line(report, max(120, limit // 25))}"
        yield Item(SUBAGENTS, Rank.SUBAGENT, place, text, keep=-place)


def _by_path(usage: Iterable[tuple[str, ToolTally]]) -> dict[str, ToolTally]:
    """Add up the tools by path, without paths on which every use failed or was denied."""
    files: dict[str, ToolTally] = {}
    for path, tally in usage:
        if tally.done:
            before = files.get(path, ToolTally())
            files[path] = ToolTally(before.calls + tally.done, latest=max(before.latest, tally.latest))
    return files


def _latest(items: Iterable[tuple[K, ToolTally]]) -> list[tuple[K, ToolTally]]:
    return heapq.nlargest(LISTED, items, key=lambda item: item[1].latest)


def _path(path: str, cwd: str) -> str:
    return one_line(path.removeprefix(f"{cwd.rstrip('/')}/") if cwd else path, LINE_MAX)


def _quoted(text: str) -> str:
    """Quote a model's text, so that it can't look like one of our titles."""
    return "> " + text.replace("\n", "\n> ")


def _code(command: str) -> str:
    return f"`{one_line(command, LINE_MAX)}`"


def _times(count: int) -> str:
    return f" (×{count})" if count > 1 else ""
