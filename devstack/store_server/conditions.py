"""Conditions that a test gives the store server: a proxy in front, tables that drop repeats, errors on demand.

The server reads them from its environment:

* ``CREWKIT_STORE_BEHIND_PROXY=1``: the line with the URL has at most 8 KiB, as behind nginx.
* ``CREWKIT_STORE_DEDUPLICATION_WINDOW=100``: every table drops a block that equals one of the last hundred, as those
  of a replicated installation do.
* ``CREWKIT_STORE_REFUSALS=FILE``: the nth statement that matches gets an error, before or after it was executed. The
  file is JSON, ``[{"codes": [252], "statement": "INSERT INTO .*facts", "nth": 3}]``. The server reads a changed file
  before the next statement, and then counts from the start. No file, no refusals.
"""

import logging
import re
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

logger = logging.getLogger(__name__)

ALWAYS = 1 << 62
HANG_UP = 0
BEHIND_PROXY = "CREWKIT_STORE_BEHIND_PROXY"
DEDUPLICATION_WINDOW = "CREWKIT_STORE_DEDUPLICATION_WINDOW"
REFUSALS = "CREWKIT_STORE_REFUSALS"


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which statements fail, and how.

    Both patterns are searched for (`re.search`, over lines): in the SQL without the data of an INSERT, and in the
    parameters of URL and form, a line ``name=value`` each. Among the statements that match, the ``nth`` (from 1) and
    the ``times - 1`` after it fail, with the codes in turn. ``applied``: they are executed first. The code HANG_UP
    closes the connection instead of a reply. ``words`` are the message. ``status`` is for responses that no ClickHouse
    server sends, such as the 502 of a proxy.
    """

    codes: tuple[int, ...]
    statement: str = ""
    parameters: str = ""
    nth: int = 1
    times: int = 1
    applied: bool = False
    words: str = "Refused on demand."
    status: int | None = None

    def matches(self, sql: str, parameters: str) -> bool:
        """Return whether both patterns are found."""
        texts = ((self.statement, sql), (self.parameters, parameters))
        return all(re.search(pattern, text, re.MULTILINE) for pattern, text in texts)


class RefusedStatement(NamedTuple):
    """The refusal that one statement meets, and the code that it gets."""

    refusal: Refusal
    code: int


class Refusals:
    """The list in a file, read again when the file has changed. No file, no refusals."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._version: tuple[int, ...] | None = None
        self._listed: list[Refusal] = []
        self._seen: Counter[int] = Counter()  # by place in the list: how many statements matched so far

    def next(self, sql: bytes, parameters: Mapping[str, str]) -> RefusedStatement | None:
        """Count a statement; return its error, if it gets one."""
        if self._path is None:
            return None
        text = sql.decode("utf-8", "replace")
        lines = "\n".join(f"{name}={value}" for name, value in parameters.items() if name != "password")
        with self._lock:
            self._read_if_changed(self._path)
            matching = [n for n, refusal in enumerate(self._listed) if refusal.matches(text, lines)]
            self._seen.update(matching)
            refused = None
            for refusal, seen in ((self._listed[n], self._seen[n]) for n in matching):
                turn = seen - refusal.nth
                if 0 <= turn < refusal.times:
                    refused = RefusedStatement(refusal, refusal.codes[turn % len(refusal.codes)])
                    break
        if refused:
            logger.warning("refused_on_demand code=%d applied=%s", refused.code, refused.refusal.applied)
        return refused

    def _read_if_changed(self, path: Path) -> None:
        try:
            found = path.stat()
            version: tuple[int, ...] | None = (found.st_ino, found.st_mtime_ns, found.st_size)
        except FileNotFoundError:
            version = None
        if version != self._version:
            self._listed = msgspec.json.decode(path.read_bytes(), type=list[Refusal]) if version else []
            self._version, self._seen = version, Counter()


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of one server; by default it does what a real server does."""

    behind_proxy: bool = False
    deduplication_window: int = 0
    refusals: Refusals = msgspec.field(default_factory=Refusals)
    readable: tuple[Path, ...] = ()  # folders that the server must be able to read


def conditions_of(environment: Mapping[str, str]) -> Conditions:
    """Return the conditions that environment variables name."""
    file = Path(environment[REFUSALS]) if environment.get(REFUSALS) else None
    return Conditions(
        behind_proxy=environment.get(BEHIND_PROXY) == "1",
        deduplication_window=int(environment.get(DEDUPLICATION_WINDOW) or 0),
        refusals=Refusals(file),
        readable=(file.parent,) if file else (),
    )
