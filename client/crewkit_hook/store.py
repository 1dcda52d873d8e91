"""The sender's memory in one SQLite file: items waiting for the server, known sessions, and counts.

One transaction adds an event of the spool to the file, with all that follows from it, and notes the event as taken. So
after a crash each event is taken exactly once.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from crewkit_hook.foreign import printable

FILE = "state.db"
_SCHEMA = """
PRAGMA auto_vacuum = FULL; PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS taken (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT, kind TEXT, item BLOB);
CREATE TABLE IF NOT EXISTS refused (seq INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT, reason TEXT, item BLOB);
CREATE TABLE IF NOT EXISTS sessions (
    client TEXT, id TEXT, at INTEGER, is_open INTEGER, state TEXT, PRIMARY KEY (client, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_open ON sessions (is_open) WHERE is_open;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
REFUSED_MAX = 1_000  # the latest ones are kept for inspection
_NAMED = re.compile(rb'"session_id"\s*:\s*"([^"\\]+)"')
SessionKey = tuple[str, str]  # client and id


class Item(NamedTuple):
    """An item for the server: a hook or a report, as JSON. ``seq`` 0: not stored yet."""

    client: str
    kind: str  # hook | report
    text: bytes
    seq: int = 0


def for_reading(home: str) -> Store | None:
    """Open the file read-only; return None if it does not exist, or can't be read."""
    try:
        return Store(home, read_only=True)
    except sqlite3.Error:
        return None


def put_aside(home: str) -> None:
    """Rename the damaged file. The items that were waiting are in the renamed file."""
    file = Path(home, FILE)
    file.replace(file.with_name(f"{FILE}.damaged-{time.time_ns()}"))


def hook_item(client: str, hook: dict[str, Any], payload: bytes) -> Item:
    """Return a hook with its payload, byte for byte."""
    return Item(client, "hook", json.dumps(hook).encode()[:-1] + b', "payload": ' + payload + b"}")


def report_item(client: str, report: dict[str, Any]) -> Item:
    return Item(client, "report", json.dumps(report).encode())


def session_of(item: Item) -> SessionKey | None:
    """Return the session that a prepared item is about; None if the item nests too deeply to be read again."""
    try:
        found = json.loads(item.text)
    except RecursionError:
        return None
    return item.client, (found["payload"] if item.kind == "hook" else found)["session_id"]


def body_of(items: Iterable[Item]) -> bytes:
    """Return a batch as the body of a request."""
    texts: dict[str, list[bytes]] = {"hook": [], "report": []}
    for item in items:
        texts[item.kind].append(item.text)
    return b'{"hooks":[' + b",".join(texts["hook"]) + b'],"reports":[' + b",".join(texts["report"]) + b"]}"


class Store:
    """The file. One sender writes to it; others may read."""

    def __init__(self, home: str, *, read_only: bool = False) -> None:
        """Open the file. For writing, a damaged file is renamed and a new one created.

        Raises `sqlite3.Error` if it is locked or there is no room; for reading, if it is missing or damaged.
        """
        self.path = Path(home, FILE)
        if read_only:
            self._db = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
            self.noted("last_error")
            return
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked or no room, so not damaged
                raise
            put_aside(home)
            self._open()
            self.note("last_error", f"{FILE} was damaged, and was renamed to {FILE}.damaged-*")

    def _open(self) -> None:
        old = os.umask(0o077)
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=10)
            self._db.executescript(_SCHEMA)
        finally:
            os.umask(old)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes inside atomic: all of them or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def take(self, name: str) -> bool:
        """Note that an event was taken from the spool; return False if it had been taken before."""
        return self._db.execute("INSERT OR IGNORE INTO taken VALUES (?)", (name,)).rowcount == 1

    def forget_taken(self, names: Iterable[str]) -> None:
        """Forget events that are no longer in the spool."""
        self._db.executemany("DELETE FROM taken WHERE name = ?", [(name,) for name in names])

    def taken(self) -> list[str]:
        return [name for (name,) in self._db.execute("SELECT name FROM taken")]

    def put(self, items: Iterable[Item]) -> None:
        """Add items to the outbox."""
        rows = [(item.client, item.kind, zlib.compress(item.text, 1)) for item in items]
        self._db.executemany("INSERT INTO outbox (client, kind, item) VALUES (?, ?, ?)", rows)

    def items(self) -> Iterator[Item]:
        """Yield the items in the outbox, the oldest first."""
        for seq, client, kind, packed in self._db.execute("SELECT seq, client, kind, item FROM outbox ORDER BY seq"):
            yield Item(client, kind, zlib.decompress(packed), seq)

    def remove(self, items: Sequence[Item]) -> int:
        """Remove items that the server has, or never will; return how many were still there."""
        return self._db.executemany("DELETE FROM outbox WHERE seq = ?", [(item.seq,) for item in items]).rowcount

    def refuse(self, item: Item, reason: str) -> None:
        """Put aside an item that the server will never accept."""
        row = (item.client, printable(reason), zlib.compress(item.text, 1))
        self._db.execute("INSERT INTO refused (client, reason, item) VALUES (?, ?, ?)", row)
        self._db.execute("DELETE FROM refused WHERE seq <= (SELECT max(seq) FROM refused) - ?", (REFUSED_MAX,))
        self.count("refused", 1)

    def forget(self, sessions: Set[SessionKey]) -> int:
        """Delete all that is known about sessions, except that they are erased; return how many items were waiting.

        Refused items may be events that can't be read. So those that name a session are deleted, whatever they are.
        """
        waiting = [(item.seq,) for item in self.items() if session_of(item) in sessions]
        self._db.executemany("DELETE FROM outbox WHERE seq = ?", waiting)
        names = {session_id.encode() for _, session_id in sessions}
        rows = self._db.execute("SELECT seq, item FROM refused")
        refused = [(seq,) for seq, item in rows if not names.isdisjoint(_NAMED.findall(zlib.decompress(item)))]
        self._db.executemany("DELETE FROM refused WHERE seq = ?", refused)
        for client, session_id in sessions:
            self.remember(client, session_id, 0, False, {"erased": True})
        return len(waiting)

    def waiting(self) -> int:
        """Return how many items are in the outbox."""
        return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def size(self) -> int:
        return self.path.stat().st_size

    def refusals(self) -> list[str]:
        """Return the reasons for the latest refusals."""
        return [reason for (reason,) in self._db.execute("SELECT reason FROM refused ORDER BY seq DESC LIMIT 5")]

    def session(self, client: str, session_id: str) -> dict[str, Any]:
        """Return the state of a session; empty for an unknown one."""
        query = "SELECT state FROM sessions WHERE client = ? AND id = ?"
        row = self._db.execute(query, (client, session_id)).fetchone()
        return json.loads(row[0]) if row else {}

    def remember(self, client: str, session_id: str, at_ms: int, is_open: bool, state: dict[str, Any]) -> None:
        """Replace the state of a session. ``is_open``: its agent may be running, or its totals may still come."""
        row = (client, session_id, at_ms, int(is_open), json.dumps(state))
        self._db.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)", row)

    def open_sessions(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return client, id and state of the open sessions, the latest used first."""
        rows = self._db.execute("SELECT client, id, state FROM sessions WHERE is_open ORDER BY at DESC")
        return [(client, session_id, json.loads(state)) for client, session_id, state in rows]

    def has_open_sessions(self) -> bool:
        """Return whether there is an agent whose end or late totals may have to be reported."""
        return bool(self._db.execute("SELECT EXISTS (SELECT 1 FROM sessions WHERE is_open)").fetchone()[0])

    def last_of_process(self, client: str, process: str, but: str) -> str:
        """Return the latest session of an agent's process except ``but``; empty if none is known."""
        rows = self._db.execute("SELECT id, state FROM sessions WHERE client = ? ORDER BY at DESC LIMIT 200", (client,))
        for session_id, state in rows:
            if session_id != but and json.loads(state).get("process") == process:
                return str(session_id)
        return ""

    def count(self, name: str, more: int) -> None:
        """Add to a count."""
        self.note(name, str(self.counted(name) + more))

    def counted(self, name: str) -> int:
        return int(self.noted(name) or 0)

    def note(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""
