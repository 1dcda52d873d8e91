"""Counts a folder of Claude Code's transcripts line by line; it shares no code with the client."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]
Tokens = tuple[int, int, int, int, int]


class Counted(NamedTuple):
    """A session's counts, and each model's tokens: input, output, cache read, cache written, and its part for 1 h."""

    prompts: int
    tool_calls: int
    tool_errors: int
    subagents: int
    compactions: int
    tokens: dict[str, Tokens]


def count_folder(folder: Path) -> dict[str, Counted]:
    """Return the counts by session."""
    files = {file.stem: _lines(file) for file in folder.glob("*.jsonl")}
    return {session: _count(session, files, folder) for session in files}


class Spent(NamedTuple):
    """What a message used, or what its session used beyond its messages; and when."""

    session: str
    at: datetime
    model: str
    tokens: Tokens


def spent_in_folder(folder: Path) -> list[Spent]:
    """Return what all sessions used: each message at its own time, and the rest at the session's last message."""
    found: list[Spent] = []
    for session, counted in count_folder(folder).items():
        messages = _own_messages(session, folder)
        rest = {model: [*tokens] for model, tokens in counted.tokens.items()}
        for at, message in messages:
            tokens = _used(message)
            found.append(Spent(session, at, message["model"], tokens))
            before = rest.get(message["model"], [0] * 5)
            rest[message["model"]] = [all_ - one for all_, one in zip(before, tokens, strict=True)]
        last = max((at for at, _ in messages), default=datetime.max.replace(tzinfo=UTC))
        found += [Spent(session, last, model, tuple(counts)) for model, counts in rest.items()]  # type: ignore[arg-type]
    return found


def _own_messages(session: str, folder: Path) -> list[tuple[datetime, Line]]:
    """Return the messages of a session and its subagents as they were in the end, without those of a fork's parent."""
    files = [folder / f"{session}.jsonl", *(folder / session / "subagents").glob("agent-*.jsonl")]
    latest: dict[str, tuple[datetime, Line]] = {}
    for line in (line for file in files for line in _lines(file)):
        is_own = line.get("requestSessionId", session) == session
        if line["type"] == "assistant" and is_own and line["message"]["model"] != "<synthetic>":
            latest[line["message"]["id"]] = datetime.fromisoformat(line["timestamp"]), line["message"]
    return list(latest.values())


def _lines(file: Path) -> list[Line]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def costs_in_folder(folder: Path) -> dict[tuple[str, str], int]:
    """Return the nano-dollars that each session says for each model; without those for which it has no whole cost."""
    files = {file.stem: _lines(file) for file in folder.glob("*.jsonl")}
    found = {}
    for session in files:
        last, base, messages = _totals(*_lines_of(session, files, folder))
        of_last, of_base = ((state or {"modelUsage": {}})["modelUsage"] for state in (last, base))
        for model in of_last.keys() - {message["model"] for message in messages}:
            spent = of_last[model]["costUSD"] - of_base.get(model, {"costUSD": 0})["costUSD"]
            found[session, model] = round(spent * 10**9)
    return found


def _lines_of(
    session: str, files: dict[str, list[Line]], folder: Path
) -> tuple[list[Line], list[list[Line]], list[Line]]:
    """Return a session's own lines, those of its subagents, and those of the session that it was forked from."""
    lines = files[session]
    origins = [line["requestSessionId"] for line in lines if "requestSessionId" in line]
    copied = {line["uuid"] for origin in origins for line in files[origin] if "uuid" in line}
    own = [line for line in lines if line.get("uuid") not in copied]
    agents = [_lines(file) for file in (folder / session / "subagents").glob("agent-*.jsonl")]
    return own, agents, files[origins[-1]] if origins else []


def _count(session: str, files: dict[str, list[Line]], folder: Path) -> Counted:
    own, agents, parent = _lines_of(session, files, folder)
    everything = [*own, *(line for agent in agents for line in agent)]
    uses = [block["id"] for block in _blocks(everything, "tool_use")]
    failed = [
        block["tool_use_id"]
        for block in _blocks(everything, "tool_result")
        if block.get("is_error") and "doesn't want" not in block["content"]
    ]
    return Counted(
        sum(map(_is_prompt, own)),
        len(set(uses)),
        len(set(failed)),
        len(agents),
        sum(line.get("subtype") == "compact_boundary" for line in own),
        _tokens(_totals(own, agents, parent)),
    )


def _is_prompt(line: Line) -> bool:
    content = line.get("message", {}).get("content")
    is_asked = line["type"] == "user" and isinstance(content, str) and line.get("promptSource") != "system"
    return is_asked and not content.startswith("<command-name>")


def _blocks(lines: list[Line], kind: str) -> list[Line]:
    contents = (line.get("message", {}).get("content") for line in lines)
    return [block for content in contents if isinstance(content, list) for block in content if block["type"] == kind]


def _totals(
    own: list[Line], agents: list[list[Line]], parent: list[Line]
) -> tuple[Line | None, Line | None, list[Line]]:
    """Return the last totals, those of the parent that they include, and the messages that they do not cover."""
    ends = [place for place, line in enumerate(own) if line["type"] == "cost-state"]
    last = own[ends[-1]] if ends else None
    born = min(line["timestamp"] for line in own if "timestamp" in line)
    until = max((line["timestamp"] for line in own[: ends[-1]] if "timestamp" in line), default="") if ends else ""
    began = _iso(last["startTime"]) if last is not None else ""
    messages: dict[str, Line] = {}
    for line in [*own, *(line for agent in agents for line in agent)]:
        is_message = line["type"] == "assistant" and line["message"]["model"] != "<synthetic>"
        if is_message and (line["timestamp"] > until or line["timestamp"] < began):
            messages[line["message"]["id"]] = line["message"]
    return last, last and _state_before(parent, born), list(messages.values())


def _tokens(totals: tuple[Line | None, Line | None, list[Line]]) -> dict[str, Tokens]:
    last, base, messages = totals
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for state, sign in ((last, 1), (base, -1)):
        if state is not None:
            _add(sums, state, sign)
    for message in messages:
        sums[message["model"]] = [
            one + other for one, other in zip(sums[message["model"]], _used(message), strict=True)
        ]
    return {model: tuple(counts) for model, counts in sums.items() if any(counts)}  # type: ignore[misc]  # five


def _used(message: Line) -> Tokens:
    used = message["usage"]
    return (
        *(used["input_tokens"], used["output_tokens"], used["cache_read_input_tokens"]),
        *(used["cache_creation_input_tokens"], used["cache_creation"]["ephemeral_1h_input_tokens"]),
    )


def _state_before(lines: list[Line], moment: str) -> Line | None:
    found = None
    for line in lines:
        if line["type"] == "cost-state":
            found = line
        elif line.get("timestamp", "") > moment:
            break
    return found


def _add(sums: dict[str, list[int]], state: Line, sign: int) -> None:
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    for model, used in state["modelUsage"].items():
        counts = [*(used[name] for name in names), used["cacheCreationEphemeral1hInputTokens"]]
        sums[model] = [one + sign * other for one, other in zip(sums[model], counts, strict=True)]


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
