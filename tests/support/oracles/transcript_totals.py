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


def _lines(file: Path) -> list[Line]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def _count(session: str, files: dict[str, list[Line]], folder: Path) -> Counted:
    lines = files[session]
    origins = [line["requestSessionId"] for line in lines if "requestSessionId" in line]
    copied = {line["uuid"] for origin in origins for line in files[origin] if "uuid" in line}
    own = [line for line in lines if line.get("uuid") not in copied]
    agents = [_lines(file) for file in (folder / session / "subagents").glob("agent-*.jsonl")]
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
        _tokens(own, agents, files[origins[-1]] if origins else []),
    )


def _is_prompt(line: Line) -> bool:
    content = line.get("message", {}).get("content")
    is_asked = line["type"] == "user" and isinstance(content, str) and line.get("promptSource") != "system"
    return is_asked and not content.startswith("<command-name>")


def _blocks(lines: list[Line], kind: str) -> list[Line]:
    contents = (line.get("message", {}).get("content") for line in lines)
    return [block for content in contents if isinstance(content, list) for block in content if block["type"] == kind]


def _tokens(own: list[Line], agents: list[list[Line]], parent: list[Line]) -> dict[str, Tokens]:
    """Return the last totals, without the parent's, and the messages that they do not cover."""
    ends = [place for place, line in enumerate(own) if line["type"] == "cost-state"]
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    last = own[ends[-1]] if ends else None
    if last is not None:
        _add(sums, last, 1)
        born = min(line["timestamp"] for line in own if "timestamp" in line)
        state = _state_before(parent, born)
        if state is not None:
            _add(sums, state, -1)
    until = max((line["timestamp"] for line in own[: ends[-1]] if "timestamp" in line), default="") if ends else ""
    began = _iso(last["startTime"]) if last is not None else ""
    messages: dict[str, Line] = {}
    for line in [*own, *(line for agent in agents for line in agent)]:
        is_message = line["type"] == "assistant" and line["message"]["model"] != "<synthetic>"
        if is_message and (line["timestamp"] > until or line["timestamp"] < began):
            messages[line["message"]["id"]] = line["message"]
    for message in messages.values():
        used = message["usage"]
        counts = (
            *(used["input_tokens"], used["output_tokens"], used["cache_read_input_tokens"]),
            *(used["cache_creation_input_tokens"], used["cache_creation"]["ephemeral_1h_input_tokens"]),
        )
        sums[message["model"]] = [one + other for one, other in zip(sums[message["model"]], counts, strict=True)]
    return {model: tuple(counts) for model, counts in sums.items() if any(counts)}  # type: ignore[misc]  # five


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
