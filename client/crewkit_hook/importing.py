"""`import`: sends past sessions, from the session files of Claude Code and Codex.

Each event's id is derived from the file, so importing it again changes nothing. If hooks reported a session, only its
events from before the first hook are sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crewkit_hook.agent_settings import FILES
from crewkit_hook.agents import report
from crewkit_hook.api import Api, Unreachable
from crewkit_hook.delivery import BATCH_BYTES_MAX, BATCH_ITEMS_MAX, Refused, ToBeMended, deliver
from crewkit_hook.note import git_of
from crewkit_hook.privacy import is_sensitive, leaving, leaving_context
from crewkit_hook.repository import described
from crewkit_hook.settings import Settings
from crewkit_hook.store import Item, Store, hook_item, report_item
from crewkit_hook.transcripts import claude_code, claude_code_past, codex, codex_past
from crewkit_hook.transcripts.event import Past, event_id
from crewkit_hook.transcripts.folders import Folders
from crewkit_hook.transcripts.lines import instant

OVER_AFTER_S = 3_600.0  # if a file is unchanged for so long, its session is over
TRIES, PAUSE_S = 6, 1.0
WAIT_S_MAX = 120.0  # a user is waiting


class NotSent(Exception):
    """The installation did not accept everything. The message says what to do."""


class Session(NamedTuple):
    """A past session."""

    client: str
    session_id: str
    folders: Sequence[str]  # in which it worked
    context: dict[str, Any]
    events: Sequence[Past]
    report: dict[str, Any] | None


class Imported(NamedTuple):
    """What was sent."""

    sessions: int
    events: int
    known: int  # sessions that hooks had reported already
    rejected: Sequence[str]


def files_of(paths: Sequence[Path], since_s: float) -> list[Path]:
    """Return the session files under ``paths``, by default both agents' folders, that changed after a time."""
    roots = paths or [FILES["claude-code"].own_folder / "projects", FILES["codex"].own_folder / "sessions"]
    found = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*.jsonl"))]
    return [file for file in _by_age(filter(_is_of_session, found)) if file.stat().st_mtime >= since_s]


def sessions_of(files: Iterable[Path]) -> Iterator[Session | None]:
    """Yield the session of each file; None for a file that has no session, or only a part of another one."""
    folders = Folders()
    before: dict[Path, Iterator[tuple[Path, set[str]]]] = {}
    for file in files:
        is_over = time.time() - file.stat().st_mtime > OVER_AFTER_S
        if file.name.startswith("rollout-"):
            yield _codex(file, folders, is_over=is_over)
        else:
            yield _claude_code(file, _lines_before(file, before), folders, is_over=is_over)


def _lines_before(file: Path, folders: dict[Path, Iterator[tuple[Path, set[str]]]]) -> set[str]:
    """Return the ids of lines in all older files of a folder, chosen or not: this file may have copies of them."""
    folder = file.parent
    if folder not in folders:
        folders[folder] = _growing(_by_age(filter(_is_of_session, folder.glob("*.jsonl"))))
    return next((lines for path, lines in folders[folder] if path == file), set())


def _growing(files: Iterable[Path]) -> Iterator[tuple[Path, set[str]]]:
    """Yield each file with the ids of the lines in all files before it."""
    lines: set[str] = set()
    for file in files:
        yield file, lines
        lines |= claude_code_past.own_ids(str(file))


def _by_age(files: Iterable[Path]) -> list[Path]:
    changed = {file: file.stat().st_mtime for file in files if file.exists()}  # skip broken links
    return sorted(changed, key=lambda file: (changed[file], str(file)))


def _is_of_session(file: Path) -> bool:
    """Return whether a file belongs to a session, not to a subagent."""
    return file.parent.name != "subagents" and not file.name.startswith("agent-")


def send(
    sessions: Iterable[Session | None], settings: Settings, store: Store | None, done: Callable[[int], None]
) -> Imported:
    """Send sessions; call ``done`` with the number of files so far.

    Raises:
        NotSent: the installation can't be reached, or refuses the token. Run it again: nothing counts twice.
    """
    sender = _Batches(Api(settings))
    counts = {"sessions": 0, "events": 0, "known": 0}
    for number, session in enumerate(sessions, 1):
        if session is not None:
            hooked_ms = store.session(session.client, session.session_id).get("first_at") if store else None
            events = session.events if hooked_ms is None else _before(session.events, hooked_ms)
            counts["known"] += hooked_ms is not None
            counts["sessions"] += bool(events)
            counts["events"] += len(events)
            sender.add(session, events, settings, has_report=hooked_ms is None)
        done(number)
    sender.flush()
    return Imported(**counts, rejected=sender.rejected)


def _before(events: Sequence[Past], hooked_ms: int) -> list[Past]:
    """Return the events before the first hook; none if they are only the start, which the first hook reports too."""
    before = [event for event in events if event.at_ms < hooked_ms]
    return before if any(event.payload["hook_event_name"] != "SessionStart" for event in before) else []


class _Batches:
    """Collects items of one client, and sends them when a batch is full."""

    def __init__(self, api: Api) -> None:
        self._api, self._client = api, ""
        self._items: list[Item] = []
        self._size = 0
        self.rejected: list[str] = []

    def add(self, session: Session, events: Sequence[Past], settings: Settings, *, has_report: bool) -> None:
        """Add a session's events and, after them, its totals."""
        if session.client != self._client:
            self.flush()
            self._client = session.client
        is_private = is_sensitive(settings, session.folders)
        context = leaving_context(session.context, is_private=is_private)
        for number, event in enumerate(events):
            self._put(_hook(session, event, context if number == 0 else {}, is_private=is_private))
        if has_report and session.report is not None and events:
            self._put(report_item(session.client, session.report))

    def _put(self, item: Item) -> None:
        if self._size + len(item.text) > BATCH_BYTES_MAX or len(self._items) >= BATCH_ITEMS_MAX:
            self.flush()
        self._items.append(item)
        self._size += len(item.text)

    def flush(self) -> None:
        """Send what was collected.

        Raises:
            NotSent: after some tries, or at once if trying again would not help.
        """
        failures = 0
        while self._items:
            try:
                deliver(self._api, list(self._items), self._delivered)
            except Unreachable as error:  # noqa: PERF203 (it waits anyway)
                failures += 1
                if failures == TRIES or isinstance(error, ToBeMended) or error.retry_after_s > WAIT_S_MAX:
                    raise NotSent(f"not everything was sent ({error}). Run it again: nothing counts twice") from error
                time.sleep(error.retry_after_s or PAUSE_S * 2**failures)
        self._size = 0

    def _delivered(self, batch: list[Item], refused: Refused) -> None:
        del self._items[: len(batch)]
        self.rejected += [one.reason for one in refused]


def _hook(session: Session, event: Past, context: dict[str, Any], *, is_private: bool) -> Item:
    payload = {"session_id": session.session_id, **event.payload}
    hook: dict[str, Any] = {"id": event_id(session.client, session.session_id, event.key), "at": instant(event.at_ms)}
    if context:
        hook["context"] = context
    return hook_item(session.client, hook, leaving(payload, json.dumps(payload).encode(), is_private=is_private))


def _claude_code(file: Path, foreign: set[str], folders: Folders, *, is_over: bool) -> Session | None:
    session_id = file.stem
    events, about = claude_code_past.past_of(str(file), foreign, folders, is_over=is_over)
    if not events:
        return None
    reading = claude_code.Reading(session_id, foreign=foreign, folders=folders)
    reading.advance(str(file))
    context = {**described(git_of(about.folder)), **about.context}
    totals = report(session_id, about.ended_ms, reading)
    return Session("claude-code", session_id, sorted(about.folders), context, events, totals)


def _codex(file: Path, folders: Folders, *, is_over: bool) -> Session | None:
    events, meta = codex_past.past_of(str(file), is_over=is_over)
    if not events:
        return None
    totals = None
    if not meta.is_subagent:
        reading = codex.Reading(meta.session_id, folders=folders)
        reading.advance(str(file))
        totals = report(meta.session_id, events[-1].at_ms, reading)
    return Session("codex", meta.session_id, sorted(meta.folders), meta.context, events, totals)
