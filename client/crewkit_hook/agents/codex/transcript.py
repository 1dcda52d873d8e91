"""Tokens in a rollout of Codex CLI: one record per request, in the file of the thread that made it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from crewkit_hook.transcripts.lines import Folders, ms_of, number, object_of, texts_of
from crewkit_hook.transcripts.reading import Reading, Totals, Used, add, follow, total_of

UNKNOWN = "unknown"
_LEVELS = 3  # of folders: year, month, day
_DAYS = "[0-9]*/[0-9]*/[0-9]*"
_MARKS = (b'"token_usage_record"', b'"token_count"', b'"turn_context"', b'"session_meta"')


class CodexReading(Reading):
    """See `transcripts.reading`."""

    def _nothing_read(self) -> dict[str, Any]:
        return {"files": {}, "is_cut": False}  # files by path: offset, thread, …

    def advance(self, path: str) -> None:
        """Read what is new in the session's rollout, and in its subagents': in folders of its day and later."""
        folders, pattern = self._folders or Folders(), "rollout-*.jsonl"
        days = _days_from(Path(path).parent, folders)
        found = [str(file) for day in days for file in folders.of_session(self._session_id, day, pattern, _session_of)]
        for rollout in (path, *(other for other in found if other != path)):
            file = self.kept["files"].setdefault(rollout, {"offset": 0, "thread": "", "model": "", "sums": {}})
            follow(rollout, file, "offset", lambda raw: any(mark in raw for mark in _MARKS), partial(self._take, file))

    def killed(self) -> None:
        self.kept["is_cut"] = True

    def totals(self) -> Totals:
        return Totals(total_of(file["sums"] for file in self.kept["files"].values()), self.kept["is_cut"])

    def about(self) -> dict[str, Any]:
        own = [file for file in self.kept["files"].values() if file["thread"] == self._session_id]
        return own[0].get("about", {}) if own else {}

    def _take(self, file: dict[str, Any], line: dict[str, Any]) -> None:
        payload = line.get("payload")
        if not isinstance(payload, dict):
            return
        kind = line.get("type")
        if kind == "session_meta" and not file["thread"]:
            file["thread"] = str(payload.get("id") or "")
            file["about"] = about_of(payload)
            file["is_copied"] = begins_with_copies(payload)
        elif kind == "turn_context":
            file["model"] = str(payload.get("model") or file["model"])
            file["is_copied"] = file.get("is_copied", False) and not is_own_turn(payload, file["thread"])
        elif kind == "token_usage_record":
            file["has_records"] = True
            if payload.get("thread_id") == file["thread"]:  # a fork copies its parent's records
                self._add(file, line, _used(payload.get("usage")))
        elif payload.get("type") == "token_count" and not file.get("has_records"):  # older clients have no records
            self._take_total(file, line, payload.get("info"))

    def _take_total(self, file: dict[str, Any], line: dict[str, Any], info: Any) -> None:
        """Add the growth of a running total to the model of the turn."""
        total = _used(info.get("total_token_usage")) if isinstance(info, dict) else {}
        before = file.get("total", {})
        if total and any(total.values()):
            if not file.get("is_copied"):
                grown = {name: max(0, count - before.get(name, 0)) for name, count in total.items()}
                self._add(file, line, grown)
            file["total"] = total

    def _add(self, file: dict[str, Any], line: dict[str, Any], used: dict[str, int]) -> None:
        model = file["model"] or UNKNOWN
        add(file["sums"], model, used)
        self.used[len(self.used)] = Used(ms_of(line.get("timestamp")), model, used)


def begins_with_copies(meta: dict[str, Any]) -> bool:
    """Return whether a rollout begins with lines of the thread that it was forked from."""
    return isinstance(meta.get("forked_from_id"), str)


def is_own_turn(context: dict[str, Any], thread: str) -> bool:
    """Return whether a turn began after its thread did. Both have ids that begin with the time (UUIDv7)."""
    return str(context.get("turn_id") or "") >= thread


def _days_from(day: Path, folders: Folders) -> list[Path]:
    """Return the folders of a day (YYYY/MM/DD) and of later days; only the given folder if it is not a day's."""
    own = day.parts[-_LEVELS:]
    if len(own) < _LEVELS or not "".join(own).isdigit():
        return [day]
    return [each for each in folders.glob(day.parents[_LEVELS - 1], _DAYS) if each.parts[-_LEVELS:] >= own]


def _session_of(first_line: dict[str, Any]) -> str:
    """Return the session that a subagent's rollout belongs to; empty for a session's own rollout."""
    payload = object_of(first_line.get("payload"))
    session_id, thread = payload.get("session_id"), payload.get("id")
    return str(session_id) if session_id and thread != session_id else ""


def about_of(meta: dict[str, Any]) -> dict[str, Any]:
    """Return what the first line of a rollout says about its thread, as the context of a hook."""
    git, parent = object_of(meta.get("git")), meta.get("forked_from_id")
    found = {"remote_url": git.get("repository_url"), "branch": git.get("branch")}
    said = texts_of({**found, "client_version": meta.get("cli_version")})
    said["attended"] = "exec" not in str(meta.get("originator") or meta.get("source"))
    fork = {"parent": {"session_id": parent, "relation": "fork"}} if isinstance(parent, str) and parent else {}
    return {**said, **fork}


def _used(usage: Any) -> dict[str, int]:
    """Return the tokens of a request. Codex includes cached tokens in input; here they are separate."""
    used = object_of(usage)
    cached, written = number(used.get("cached_input_tokens")), number(used.get("cache_write_input_tokens"))
    return {
        "input_tokens": max(0, number(used.get("input_tokens")) - cached - written),
        "output_tokens": number(used.get("output_tokens")),
        "cache_read_tokens": cached,
        "cache_creation_tokens": written,
    }
