"""From a transcript of Claude Code to the events that its hooks would have sent.

A run ends with a line `cost-state`; what follows belongs to the next run of the same session. Lines copied from another
session, by a fork or an older client's resume, are skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from crewkit_hook import foreign
from crewkit_hook.agents.claude_code.transcript import SYNTHETIC, ClaudeCodeReading, is_copy, subagent_files
from crewkit_hook.note import git_of
from crewkit_hook.repository import described
from crewkit_hook.transcripts.lines import ODD, Folders, by_age, ms_of, new_lines, object_of, parsed, texts_of
from crewkit_hook.transcripts.past import Past, Session, past
from crewkit_hook.transcripts.reading import past_reports

_LINE_ID = re.compile(rb'"uuid": ?"([0-9A-Za-z-]{1,64})"')
_INTERRUPTED = "[Request interrupted by user"
_BUILT_IN_COMMAND = "<command-name>"  # a user's own command begins with <command-message>
_NO_PROMPTS = (_INTERRUPTED, _BUILT_IN_COMMAND, "<local-command-", "<bash-", "Caveat: The messages below")
_REJECTED = ("The user doesn't want to", "Permission to use", "User rejected")
_BY_MACHINE = "system"
_META_BYTES_MAX = 64 << 10
Line = dict[str, Any]
Fields = dict[str, Any]  # of a payload


class PastSessions:
    """See `transcripts.past`."""

    folder = "projects"

    def __init__(self) -> None:
        self._folders = Folders()
        self._before: dict[Path, Iterator[tuple[Path, set[str]]]] = {}

    @staticmethod
    def has(file: Path) -> bool:
        return file.suffix == ".jsonl" and file.parent.name != "subagents" and not file.name.startswith("agent-")

    def session(self, file: Path, *, is_over: bool) -> Session | None:
        folder = file.parent
        if folder not in self._before:
            self._before[folder] = _growing(by_age(filter(self.has, folder.glob("*.jsonl"))))
        # The lines in all older files of the folder, chosen or not: this file may have copies of them.
        others: set[str] = next((lines for path, lines in self._before[folder] if path == file), set())
        reader = _Reader(file.stem, others)
        events = reader.all(str(file), self._folders, is_over=is_over)
        if not events:
            return None
        reading = ClaudeCodeReading(file.stem, others=others, folders=self._folders)
        reading.advance(str(file))
        context = {**described(git_of(reader.folder)), **reader.context}
        reports = past_reports(file.stem, reading, reader.ended_ms)
        return Session("claude-code", file.stem, sorted(reader.folders), context, events, reports)


def _growing(files: Iterable[Path]) -> Iterator[tuple[Path, set[str]]]:
    """Yield each file with the ids of the lines in all files before it."""
    lines: set[str] = set()
    for file in files:
        yield file, lines
        # Of its lines, only those that its session wrote itself, as far as they can be distinguished from copies.
        copied = _end_of_copies(str(file), file.stem)
        own = (_LINE_ID.search(raw) for offset, raw in new_lines(str(file), 0) if offset > copied)
        lines |= {found[1].decode() for found in own if found}


class _Reader:
    """Reads one transcript, line by line."""

    def __init__(self, session_id: str, others: Set[str]) -> None:
        self._session_id, self._others = session_id, others
        self._parent = ""
        self.context: dict[str, Any] = {}
        self.folder = self._title = ""
        self.folders: set[str] = set()
        self._uses: dict[str, dict[str, Any]] = {}
        self._runs = False
        self._last: dict[str, Any] = {}
        self.ended_ms = 0

    def all(self, transcript: str, folders: Folders, *, is_over: bool) -> list[Past]:
        """Return the events of a session and of its subagents, by time."""
        events = list(self._main(transcript))
        for file in subagent_files(transcript, folders):
            events += self._subagent(file)
        if is_over:
            events += self._end()
        if self._parent:
            self.context["parent"] = {"session_id": self._parent, "relation": "fork"}
        return sorted(events, key=lambda event: event.at_ms)

    def _main(self, transcript: str) -> Iterator[Past]:
        copied = _end_of_copies(transcript, self._session_id)
        for offset, raw in new_lines(transcript, 0):
            line = parsed(raw)
            if line.get("type") in ("custom-title", "ai-title"):
                self._title = str(line.get("customTitle") or line.get("aiTitle") or self._title)
            if line.get("type") == "cost-state":
                yield from self._end()
                continue
            if is_copy(line, self._session_id):
                self._parent = str(line["requestSessionId"])
                continue
            at_ms = ms_of(line.get("timestamp"))
            is_copied = str(line.get("uuid")) in self._others or offset <= copied
            if not at_ms or is_copied or line.get("type") not in ("user", "assistant", "system"):
                continue
            self._describe(line)
            if not self._runs:
                self._runs = True
                source = "resume" if self._last else "fork" if self._parent else "startup"
                title = {"session_title": self._title} if self._title else {}
                yield past("SessionStart", line.get("uuid"), at_ms, {"source": source, "cwd": self.folder}, title)
            self._last = line
            self.ended_ms = max(at_ms, self.ended_ms)
            yield from self._understood(line, at_ms, {"agent_id": str(line.get("agentId") or "")})

    def _subagent(self, file: Path) -> Iterator[Past]:
        agent_id = file.stem[len("agent-") :]
        agent = {"agent_id": agent_id, "agent_type": _agent_type(file)}
        last_ms, answer = 0, ""
        for _, raw in new_lines(str(file), 0):
            line = parsed(raw)
            at_ms = ms_of(line.get("timestamp"))
            if not at_ms or line.get("type") not in ("user", "assistant") or str(line.get("uuid")) in self._others:
                continue
            if not last_ms:
                yield past("SubagentStart", agent_id, at_ms, agent)
            last_ms = max(last_ms, at_ms)
            answer = _text_of(line) or answer if line.get("type") == "assistant" else answer
            yield from self._understood(line, at_ms, agent)
        if last_ms:
            self.ended_ms = max(last_ms, self.ended_ms)
            yield past("SubagentStop", agent_id, last_ms, agent, {"last_assistant_message": answer})

    def _describe(self, line: dict[str, Any]) -> None:
        self.folder = str(line.get("cwd") or self.folder)
        self.folders.add(self.folder)
        said = texts_of({"branch": line.get("gitBranch"), "client_version": line.get("version")})
        self.context |= {name: text for name, text in said.items() if text != "HEAD"}
        attended = {"cli": True, "sdk-cli": False}.get(str(line.get("entrypoint")))
        if attended is not None:
            self.context["attended"] = attended

    def _end(self) -> Iterator[Past]:
        if self._runs:
            self._runs = False
            yield past("SessionEnd", self._last.get("uuid"), self.ended_ms, {"reason": "other"})

    def _understood(self, line: Line, at_ms: int, agent: dict[str, str]) -> list[Past]:
        """Return the events of a line of the main agent or a subagent; none if the line can't be understood."""
        common = {"cwd": self.folder, "prompt_id": line.get("promptId"), **(agent if agent["agent_id"] else {})}
        common = {name: value for name, value in common.items() if value}
        with suppress(*ODD):
            if line.get("type") == "assistant":
                return list(self._answered(line, at_ms, common))
            if line.get("type") == "user":
                return list(self._asked(line, at_ms, common))
            if line.get("subtype") == "compact_boundary":
                key, trigger = line.get("uuid"), {"trigger": object_of(line.get("compactMetadata")).get("trigger")}
                return [past(event, key, at_ms, trigger, common) for event in ("PreCompact", "PostCompact")]
        return []

    def _answered(self, line: Line, at_ms: int, common: Fields) -> Iterator[Past]:
        message = object_of(line.get("message"))
        for block in _blocks(message):
            if block.get("type") == "tool_use" and isinstance(block.get("id"), str):
                use = {"tool_name": block.get("name"), "tool_input": block.get("input"), "tool_use_id": block["id"]}
                self._uses[block["id"]] = use
                yield past("PreToolUse", block["id"], at_ms, common, use)
        is_last = message.get("stop_reason") in ("end_turn", "stop_sequence") or message.get("model") == SYNTHETIC
        text = _text_of(line)
        if is_last and text and "agent_id" not in common:
            event = "StopFailure" if line.get("isApiErrorMessage") else "Stop"
            yield past(event, message.get("id") or line.get("uuid"), at_ms, common, {"last_assistant_message": text})

    def _asked(self, line: Line, at_ms: int, common: Fields) -> Iterator[Past]:
        results = [block for block in _blocks(object_of(line.get("message"))) if block.get("type") == "tool_result"]
        for block in results:
            yield from self._finished(line, block, at_ms, common)
        prompt = _text_of(line)
        if results or "agent_id" in common or line.get("isMeta") or line.get("isCompactSummary") or not prompt:
            return
        if line.get("isSidechain") or prompt.startswith(_NO_PROMPTS):
            return
        source = {"source": _BY_MACHINE} if line.get("promptSource") == _BY_MACHINE else {}
        yield past("UserPromptSubmit", line.get("uuid"), at_ms, common, {"prompt": prompt}, source)

    def _finished(self, line: Line, block: Fields, at_ms: int, common: Fields) -> Iterator[Past]:
        use = self._uses.get(str(block.get("tool_use_id")))
        if use is None:
            return
        text = block.get("content")
        said = text if isinstance(text, str) else json.dumps(text)
        decision = object_of(line.get("permissionDecision")).get("decision")
        if not block.get("is_error"):
            event, outcome = "PostToolUse", {"tool_response": line.get("toolUseResult", text)}
        elif decision in ("reject", "deny") or said.startswith(_REJECTED):
            event, outcome = "PermissionDenied", {"reason": said}
        else:
            event, outcome = "PostToolUseFailure", {"error": said}
        yield past(event, use["tool_use_id"], at_ms, common, use, outcome)


def _end_of_copies(transcript: str, session_id: str) -> int:
    """Return the offset after the last message that was copied from another session."""
    end = 0
    for offset, raw in new_lines(transcript, 0):
        if b'"requestSessionId"' in raw and is_copy(parsed(raw), session_id):
            end = offset
    return end


def _agent_type(file: Path) -> str:
    try:
        found = parsed(foreign.start_of(str(file.with_suffix(".meta.json")), _META_BYTES_MAX))
    except OSError:
        return ""
    return str(found.get("agentType") or "")


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text_of(line: dict[str, Any]) -> str:
    message = object_of(line.get("message"))
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts = [block.get("text") for block in _blocks(message) if block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))
