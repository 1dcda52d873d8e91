"""From a rollout of Codex CLI to the events that its hooks would have sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from crewkit_hook.agents.codex.transcript import CodexReading, about_of, begins_with_copies, is_own_turn
from crewkit_hook.transcripts.lines import ODD, Folders, ms_of, new_lines, object_of, parsed, texts_of
from crewkit_hook.transcripts.past import Past, Session, past
from crewkit_hook.transcripts.reading import past_reports

_CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_SHELL = frozenset({"exec_command", "shell", "local_shell", "local_shell_call", "unified_exec"})  # hooks say Bash
_EXITED = "exited with code "


class PastSessions:
    """See `transcripts.past`."""

    folder = "sessions"

    def __init__(self) -> None:
        self._folders = Folders()

    @staticmethod
    def has(file: Path) -> bool:
        return file.name.startswith("rollout-")

    def session(self, file: Path, *, is_over: bool) -> Session | None:
        reader = _Reader(str(file))
        if not reader.thread:
            return None
        events = sorted(reader.read(is_over=is_over), key=lambda event: event.at_ms)
        if not events:
            return None
        reports = []
        if not reader.is_subagent:  # otherwise the file of its session has counted it
            reading = CodexReading(reader.session_id, folders=self._folders)
            reading.advance(str(file))
            reports = past_reports(reader.session_id, reading, events[-1].at_ms)
        return Session("codex", reader.session_id, sorted(reader.folders), reader.context, events, reports)


class _Reader:
    """Reads the rollout of one thread, line by line; the first one describes the thread."""

    def __init__(self, rollout: str) -> None:
        self._rollout = rollout
        meta = object_of(next((parsed(raw) for _, raw in new_lines(rollout, 0)), {}).get("payload"))
        self.thread = str(meta.get("id") or "")
        self.session_id = str(meta.get("session_id") or self.thread)
        self.is_subagent = self.thread != self.session_id  # another thread started this one
        self.context = about_of(meta)
        self._begins_with_copies = begins_with_copies(meta)
        folder, role = str(meta.get("cwd") or ""), meta.get("agent_role") or meta.get("agent_nickname") or "subagent"
        self.folders = {folder}
        agent = {"agent_id": self.thread, "agent_type": str(role)} if self.is_subagent else {}
        self._common: dict[str, Any] = {"cwd": folder, **agent}
        self._uses: dict[str, dict[str, Any]] = {}

    def read(self, *, is_over: bool) -> Iterator[Past]:
        first_ms = last_ms = 0
        is_copied = self._begins_with_copies
        for offset, raw in new_lines(self._rollout, 0):
            line = parsed(raw)
            payload, at_ms = object_of(line.get("payload")), ms_of(line.get("timestamp"))
            if not at_ms:
                continue
            if line.get("type") == "turn_context" and is_own_turn(payload, self.thread):
                is_copied = False
            if not first_ms:
                first_ms = at_ms
                event, source = "SessionStart", {"source": "startup"}
                if self.is_subagent:
                    event, source = "SubagentStart", {}
                yield past(event, self.thread, at_ms, source, self._common)
            last_ms = max(last_ms, at_ms)
            if is_copied:
                continue
            if line.get("type") == "turn_context":
                self.folders |= set(texts_of({"cwd": payload.get("cwd")}).values())
                self._common |= {"turn_id": payload.get("turn_id"), "model": payload.get("model")}
            else:
                with suppress(*ODD):
                    yield from list(self._events(str(line.get("type")), payload, at_ms, offset))
        if first_ms and self.is_subagent:
            yield past("SubagentStop", self.thread, last_ms, self._common)
        elif first_ms and is_over:
            yield past("SessionEnd", self.thread, last_ms, {"reason": "other"}, self._common)

    def _events(self, line_type: str, payload: dict[str, Any], at_ms: int, offset: int) -> Iterator[Past]:
        kind, call = payload.get("type"), str(payload.get("call_id") or "")
        unique, common = f"{self.thread} {offset}", self._common
        if kind in _CALLS and call:
            self._uses[call] = use = _use(payload, call)
            yield past("PreToolUse", call, at_ms, common, use)
        elif kind in _OUTPUTS and call in self._uses:
            event, outcome = _finished(payload.get("output"))
            yield past(event, call, at_ms, outcome, common, self._uses[call])
        elif (prompt := _prompt(payload)) is not None:
            yield past("UserPromptSubmit", unique, at_ms, common, {"prompt": prompt})
        elif kind == "task_complete":
            answer = {"last_assistant_message": payload.get("last_agent_message")}
            yield past("Stop", f"{self.thread} {payload.get('turn_id') or offset}", at_ms, answer, common)
        elif line_type == "compacted":
            for event in ("PreCompact", "PostCompact"):
                yield past(event, unique, at_ms, common)


def _use(payload: dict[str, Any], call: str) -> dict[str, Any]:
    """Return a call with the names that hooks use."""
    name = str(payload.get("name") or payload.get("type"))
    text = payload.get("arguments") or payload.get("input") or payload.get("action")
    try:
        given = object_of(json.loads(text) if isinstance(text, str) else text)
    except ValueError:
        given = {"command": text}
    if name in _SHELL:
        name, given = "Bash", {"command": given.get("cmd") or given.get("command")}
    return {"tool_name": name, "tool_input": given, "tool_use_id": call}


def _finished(output: Any) -> tuple[str, dict[str, Any]]:
    """Return the event of a finished call, and its outcome."""
    text = output if isinstance(output, str) else json.dumps(output)
    code = text.partition(_EXITED)[2].partition("\n")[0].strip()
    if code.lstrip("-").isdigit() and int(code) != 0:
        return "PostToolUseFailure", {"error": text}
    return "PostToolUse", {"tool_response": text}


def _prompt(payload: dict[str, Any]) -> str | None:
    """Return a user's prompt, as newer or older clients write it; None for anything else."""
    if payload.get("type") == "user_message":
        return str(payload.get("message") or "")
    item = object_of(payload.get("item"))
    if payload.get("type") != "item_completed" or item.get("type") != "UserMessage":
        return None
    content = item.get("content")
    return "\n".join(str(object_of(part).get("text") or "") for part in content) if isinstance(content, list) else ""
