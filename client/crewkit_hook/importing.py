"""`import`: sends past sessions, from the session files of agents.

Each event's id is derived from the file, so importing it again changes nothing. If hooks reported a session, only its
events from before the first hook are sent.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.api import Api, Unreachable
from crewkit_hook.delivery import ERASED, Misconfigured, Refused, batches, deliver
from crewkit_hook.privacy import is_sensitive, leaving, leaving_context
from crewkit_hook.settings import Settings
from crewkit_hook.store import Item, SessionKey, Store, hook_item, report_item, session_of
from crewkit_hook.transcripts.lines import by_age, instant
from crewkit_hook.transcripts.past import Past, PastSessions, Session, event_id

OVER_AFTER_S = 3_600.0  # if a file is unchanged for so long, its session is over
TRIES, PAUSE_S = 6, 1.0
WAIT_S_MAX = 120.0  # a user is waiting


class NotSent(Exception):
    """The installation did not accept everything. The message says what to do."""


class Imported(NamedTuple):
    """What was sent; hooks had already reported ``known`` of the sessions."""

    sessions: int
    events: int
    known: int
    rejected: list[str]  # the reasons
    erased: set[SessionKey]  # the installation took nothing of these, and never will


def files_of(paths: Sequence[Path], since_s: float) -> list[Path]:
    """Return the session files under ``paths``, by default all agents' folders, that changed after a time."""
    roots = paths or [agent.own_folder / agent.past.folder for agent in AGENTS.values() if agent.past]
    found = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*.jsonl"))]
    return [file for file in by_age(found) if _past_of(file) is not None and file.stat().st_mtime >= since_s]


def sessions_of(files: Iterable[Path]) -> Iterator[Session | None]:
    """Yield the session of each file; None for a file that has no session, or only a part of another one."""
    readers: dict[type[PastSessions], PastSessions] = {}
    for file in files:
        past = _past_of(file)
        if past is None:
            continue
        is_over = time.time() - file.stat().st_mtime > OVER_AFTER_S
        yield readers.setdefault(past, past()).session(file, is_over=is_over)


def _past_of(file: Path) -> type[PastSessions] | None:
    """Return the reader of a session file. Claude Code is asked last: the names of its files say least."""
    readers = [agent.past for agent in reversed(list(AGENTS.values())) if agent.past]
    return next((past for past in readers if past.has(file)), None)


def send(
    sessions: Iterable[Session | None], settings: Settings, store: Store | None, done: Callable[[int], None]
) -> Imported:
    """Send sessions; call ``done`` with the number of files so far.

    Raises `NotSent` if the installation can't be reached, or refuses the token. Run it again: nothing counts twice.
    """
    api, counts = Api(settings), Counter[str]()
    rejected: list[str] = []
    erased: set[SessionKey] = set()

    def items() -> Iterator[Item]:
        for number, session in enumerate(sessions, 1):
            known = store.session(session.client, session.session_id) if session and store else {}
            if session is not None and not known.get("erased"):
                hooked_ms = known.get("first_at")
                events = session.events if hooked_ms is None else _before(session.events, hooked_ms)
                counts.update(known=hooked_ms is not None, sessions=bool(events), events=len(events))
                yield from _items_of(session, events, settings)
                if hooked_ms is None and events:
                    yield from (report_item(session.client, one) for one in session.reports)
            done(number)

    for batch in batches(items()):
        for one in _deliver(api, batch):
            if one.code not in ERASED:
                rejected.append(one.reason)
            elif key := session_of(one.item):
                erased.add(key)
    return Imported(counts["sessions"], counts["events"], counts["known"], rejected, erased)


def _before(events: Sequence[Past], hooked_ms: int) -> list[Past]:
    """Return the events before the first hook; none if they are only the start, which the first hook reports too."""
    before = [event for event in events if event.at_ms < hooked_ms]
    return before if any(event.payload["hook_event_name"] != "SessionStart" for event in before) else []


def _items_of(session: Session, events: Sequence[Past], settings: Settings) -> Iterator[Item]:
    """Yield the hooks that would have reported these events; the first one has the session's context."""
    is_private = is_sensitive(settings, session.folders)
    context = leaving_context(session.context, is_private=is_private)
    for event in events:
        payload = {"session_id": session.session_id, **event.payload}
        hook = {"id": event_id(session.client, session.session_id, event.key), "at": instant(event.at_ms)}
        about = {"context": context} if context else {}
        sent = leaving(payload, json.dumps(payload).encode(), is_private=is_private)
        yield hook_item(session.client, {**hook, **about}, sent)
        context = {}


def _deliver(api: Api, batch: list[Item]) -> Refused:
    """Send a batch; return the items of it that were refused.

    Raises `NotSent` after some tries, or at once if trying again would not help.
    """
    left, failures = list(batch), 0
    found: Refused = []

    def delivered(part: list[Item], refused: Refused) -> None:
        del left[: len(part)]
        found.extend(refused)

    while left:
        try:
            deliver(api, left.copy(), delivered)
        except Unreachable as error:  # noqa: PERF203 (it waits anyway)
            failures += 1
            if failures == TRIES or isinstance(error, Misconfigured) or error.retry_after_s > WAIT_S_MAX:
                raise NotSent(f"not everything was sent ({error}). Run it again: nothing counts twice") from error
            time.sleep(error.retry_after_s or PAUSE_S * 2**failures)
    return found
