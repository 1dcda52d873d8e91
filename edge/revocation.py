"""The revocation file: ids (``jti``) of revoked tokens, one per line."""

from edge.watched_file import Unreadable
from schemas.permissions import NAME_CHARACTERS_MAX


def parse_revoked(raw: bytes) -> frozenset[str]:
    """Return the ids in a file. Blank lines and lines that begin with ``#`` are ignored.

    Raises `Unreadable` if the file is not UTF-8, or a line is too long to be an id.
    """
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable("is not UTF-8 text") from error
    ids = frozenset(line for text in lines if (line := text.strip()) and not line.startswith("#"))
    if too_long := next((line for line in ids if len(line) > NAME_CHARACTERS_MAX), None):
        raise Unreadable(f"has a line of {len(too_long)} characters: each line must be one jti")
    return ids


class Revoked:
    """All ids that have been in the file since this process started.

    Ids are only added, so a half-written, empty or missing file cannot un-revoke a token. Removing a line takes effect
    at the next restart.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, ids: frozenset[str]) -> None:
        self._ids |= ids

    def __contains__(self, jti: str) -> bool:
        return jti in self._ids
