"""Tokens and costs in a transcript of Claude Code.

At the end of a run it writes a line `cost-state`: exact totals of the session over all its runs, including the requests
for titles and compactions. Until then, and after a kill, there are only the messages. Each message is several lines
with the same id, the last of which has the most tokens; requests that wrote no message are missing. A fork copies its
parent's messages, and its `cost-state` includes the parent's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crewkit_hook.transcripts.lines import Folders, ms_of, new_lines, number, object_of, parsed
from crewkit_hook.transcripts.reading import FIELDS, Reading, Sums, Totals, Used, add, difference, follow, total_of

SYNTHETIC = "<synthetic>"  # the model of messages that the client writes itself
# Its names for `FIELDS`, in a message and in a line `cost-state`.
_OF_MESSAGE = (
    *("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    "ephemeral_1h_input_tokens",
)
_OF_STATE = (
    *("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"),
    "cacheCreationEphemeral1hInputTokens",
)
_MARKS = (b'"usage"', b'"cost-state"', b'"requestSessionId"')  # lines without any of them don't matter here


class CostState(NamedTuple):
    """Exact totals at one moment. ``started_ms``: the start of the first run that they cover."""

    models: Sums
    lines_added: int
    lines_removed: int
    started_ms: int


class ClaudeCodeReading(Reading):
    """See `transcripts.reading`. Older clients copied other sessions' lines when a session was resumed."""

    def _nothing_read(self) -> dict[str, Any]:
        return {
            "offsets": {},  # by file
            "messages": {},  # since the last state, by id: time, model, usage
            "lost": {},  # usage of runs that were killed
            "state": None,
            "base": None,  # the parent's state at the fork
            "parent": "",
            "began": 0,  # when its first own message in the main thread was written
            "version": "",
        }

    def advance(self, path: str) -> None:
        subagents = subagent_files(path, self._folders or Folders())
        for file in (*map(str, subagents), path):  # first the subagents: the main file's state covers them
            follow(file, self.kept["offsets"], file, self._matters, self._take)
        has_begun = self.kept["began"] or self.kept["state"]  # a fork without an answer has a state, but no message
        if self.kept["parent"] and has_begun and self.kept["base"] is None:  # the parent's usage is not this session's
            parent = Path(path).with_name(f"{self.kept['parent']}.jsonl")
            self.kept["base"] = state_at(str(parent), self.kept["began"] or math.inf) or {}

    def killed(self) -> None:
        """Keep the usage of this run's messages: no later state will cover it."""
        for _, model, used in self.kept["messages"].values():
            add(self.kept["lost"], model, used)
        self.kept["messages"] = {}

    def totals(self) -> Totals:
        after = total_of({model: used} for _, model, used in self.kept["messages"].values())
        state, base = cost_state(self.kept["state"] or {}), cost_state(self.kept["base"] or {})
        exact = difference(state.models, base.models)
        work = {
            "lines_added": max(0, state.lines_added - base.lines_added),
            "lines_removed": max(0, state.lines_removed - base.lines_removed),
        }
        is_partial = bool(after or self.kept["lost"] or not self.kept["state"])
        return Totals(total_of([exact, self.kept["lost"], after]), is_partial, None if is_partial else work)

    def about(self) -> dict[str, Any]:
        version, parent = self.kept["version"], self.kept["parent"]
        relation = {"parent": {"session_id": parent, "relation": "fork"}} if parent else {}
        return {**({"client_version": version} if version else {}), **relation}

    def _matters(self, raw: bytes) -> bool:
        return not self.kept["version"] or any(mark in raw for mark in _MARKS)

    def _take(self, line: dict[str, Any]) -> None:
        if isinstance(line.get("version"), str):
            self.kept["version"] = self.kept["version"] or line["version"]
        if line.get("type") == "cost-state":  # it covers all messages so far, except those from before its first run
            began_ms = cost_state(line).started_ms
            for at_ms, model, used in self.kept["messages"].values():
                if at_ms < began_ms:
                    add(self.kept["lost"], model, used)
            self.kept["messages"], self.kept["state"] = {}, line
        elif is_copy(line, self._session_id):
            self.kept["parent"] = str(line["requestSessionId"])
        elif line.get("type") == "assistant" and line.get("uuid") not in self._others:
            at_ms = ms_of(line.get("timestamp"))
            if not line.get("isSidechain"):  # a subagent's file may be read before the last copies in the main one
                self.kept["began"] = min(at_ms, self.kept["began"] or at_ms)
            message = object_of(line.get("message"))
            used, model, message_id = message.get("usage"), message.get("model"), message.get("id")
            if isinstance(used, dict) and isinstance(model, str) and isinstance(message_id, str) and model != SYNTHETIC:
                counts = _counts({**used, **object_of(used.get("cache_creation"))}, _OF_MESSAGE)
                self.kept["messages"][message_id] = [at_ms, model, counts]
                self.used[message_id] = Used(at_ms, model, counts)


def is_copy(line: dict[str, Any], session_id: str) -> bool:
    """Return whether a message was copied from another session."""
    return str(line.get("requestSessionId", session_id)) != session_id


def subagent_files(transcript: str, folders: Folders) -> list[Path]:
    """Return the transcripts of a session's subagents. Older clients wrote them beside the session's own."""
    path = Path(transcript)
    own = folders.glob(path.with_suffix(""), "subagents/agent-*.jsonl")
    return [*own, *folders.of_session(path.stem, path.parent, "agent-*.jsonl", _session_of)]


def _session_of(first_line: dict[str, Any]) -> str:
    """Return the session that the subagent of a transcript belongs to."""
    return str(first_line.get("sessionId") or "")


def _counts(used: dict[str, Any], names: Sequence[str]) -> dict[str, int]:
    return {field: number(used.get(name)) for field, name in zip(FIELDS, names)}


def cost_state(line: dict[str, Any]) -> CostState:
    """Return the totals of a line `cost-state`; zeros for an empty one."""
    models: Sums = {}
    for model, used in object_of(line.get("modelUsage")).items():
        cost = used.get("costUSD")
        is_number = isinstance(cost, (int, float)) and math.isfinite(cost)
        is_known = is_number and (cost > 0 or not line.get("hasUnknownModelCost"))
        add(models, model, {**_counts(used, _OF_STATE), "cost_usd": float(cost) if is_known else None})
    lines = number(line.get("totalLinesAdded")), number(line.get("totalLinesRemoved"))
    return CostState(models, *lines, number(line.get("startTime")))


def state_at(transcript: str, at_ms: float) -> dict[str, Any] | None:
    """Return the last line `cost-state` that a transcript had at a given time; None if it had none."""
    found = None
    for _, raw in new_lines(transcript, 0):
        if b'"cost-state"' in raw:
            found = parsed(raw)
        elif ms_of(parsed(raw).get("timestamp")) > at_ms:
            break
    return found
