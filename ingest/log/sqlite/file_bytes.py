"""Finds records in the bytes of an embedded log's files, wherever they are.

A query sees only the newest version of a row. If anything went wrong, an older one may be in the write-ahead log, in a
free page, or between the rows of a page. A record is recognised by its beginning, so one of which only a later page is
left is not found.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

PIECE_BYTES = 1 << 20
_KEY_BYTES = 16
_HEAD_BYTES_MAX = 1_024
# The first fields of a value that is neither a stub nor the log's own.
_HEAD = re.compile(
    rb'\{"kind":"(?!erased"|records_erased"|positions_erased"|prices_loaded")\w+","v":\d+,"record_id":"([^"]*)",'
    rb'"org_id":"([^"]*)","session_id":"([^"]*)"'
)


class FoundInBytes(NamedTuple):
    """A record that is no stub: its id, org and session, and its place in a file."""

    record_id: str
    org_id: str
    session_id: UUID
    place: str


async def records_in_bytes(log: Path) -> AsyncIterator[FoundInBytes]:
    """Yield each copy of each record in the log's file and its write-ahead log, which others may write meanwhile.

    Half of the time it waits, so that projection goes on. Raises `OSError`.
    """
    for path in (log, log.with_name(f"{log.name}-wal")):
        start, is_more = 0, True
        while is_more:
            began = time.monotonic()
            piece = await asyncio.to_thread(_read, path, start)
            for found in _HEAD.finditer(piece, _KEY_BYTES):
                if found.start() < PIECE_BYTES + _KEY_BYTES and (session_id := _session(piece, found)):
                    record_id, org_id = found[1].decode(), found[2].decode()
                    place = f"byte {start + found.start():,} of {path.name}"
                    yield FoundInBytes(record_id, org_id, session_id, place)
            start, is_more = start + PIECE_BYTES, len(piece) > PIECE_BYTES + _KEY_BYTES
            await asyncio.sleep(time.monotonic() - began)


def _read(path: Path, start: int) -> bytes:
    """Return a piece with the bytes around it that a record's key and head may need; nothing if there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(_KEY_BYTES + PIECE_BYTES + _HEAD_BYTES_MAX)
    except FileNotFoundError:
        return b""


def _session(piece: bytes, found: re.Match[bytes]) -> UUID | None:
    """Return the session of a record. Its key is before its value; in the text of another one that can't be."""
    session_id = UUID(bytes=piece[found.start() - _KEY_BYTES : found.start()])
    return session_id if str(session_id).encode() == found[3] else None
