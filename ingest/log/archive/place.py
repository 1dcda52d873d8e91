"""Where an export is: its files by name. A folder is one kind of place."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Version(NamedTuple):
    """What distinguishes a file's content from all that it replaced; empty where a lock makes that unnecessary."""

    e_tag: str | None = None
    version: str | None = None


class Stored(NamedTuple):
    """A file's content, and the version that was read."""

    content: bytes
    version: Version


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

    def swap(self, name: str, content: bytes, version: Version | None) -> Version:
        """Replace this version of a file (None: the file is new), as durably as `write`; return the new version.

        Raises `Refused` if another process has written the file since.
        """

    def remove(self, name: str) -> None:
        """Remove a file."""

    def locked(self) -> AbstractContextManager[None]:
        """Make the place if it is missing, and let no other process export into it. Raises `Refused` if one does."""
