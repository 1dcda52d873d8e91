"""Where an export is, a folder or a bucket: its files by name."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from msgspec import UnsetType


class Stored(NamedTuple):
    """A file's content and its version, which differs for other content; empty where a lock makes it unnecessary."""

    content: bytes
    version: str


class Place(Protocol):
    """Files that are read and replaced whole. ``name`` is for messages.

    Every call may raise `Refused`, with a message that says what to do, and `LogUnavailable` if a retry may succeed.
    """

    @property
    def name(self) -> str: ...

    def read(self, name: str) -> Stored:
        """Return a file. Raises `FileNotFoundError`, and `Damaged` if it can't be read."""

    def sizes(self) -> Mapping[str, int]:
        """Return every file's name and size in bytes; nothing if the place doesn't exist."""

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file. After the call, the new content survives a power cut."""

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        """Replace this version of a file (None: the file is new), as durably as `write`; return the new version.

        Raises `Refused` if another process has written other content since.
        """

    def remove(self, name: str) -> None:
        """Remove a file that was there."""

    def locked(self) -> AbstractContextManager[str | UnsetType]:
        """Make the folder if it is missing, and let no other process export into it. Raises `Refused` if one does.

        A bucket has no lock: others are held off by swaps of a manifest with the id that this yields, a new one each
        time. The segments that are written meanwhile must have it in their names.
        """
