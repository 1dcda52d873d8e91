"""The revocation file: tokens that open nothing any more, one ``jti`` a line."""

from edge.watched_file import Unreadable
from schemas.permissions import NAME_CHARACTERS_MAX


def parse_revoked(raw: bytes) -> frozenset[str]:
    """The ids in a file; blank lines and lines that begin with ``#`` say nothing.

    Raises:
        Unreadable: for what can't be a list of ids.
    """
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable("is no text") from error
    ids = frozenset(line for text in lines if (line := text.strip()) and not line.startswith("#"))
    if too_long := next((line for line in ids if len(line) > NAME_CHARACTERS_MAX), None):
        raise Unreadable(f"has a line of {len(too_long)} characters: it holds one jti a line")
    return ids


class Revoked:
    """Every id that was in the file since this process began.

    Ids are only ever added: a file that is being rewritten, was emptied or went missing revokes no less than before.
    A line that is taken out counts again after a restart.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, ids: frozenset[str]) -> None:
        """These are revoked as well."""
        self._ids |= ids

    def __contains__(self, jti: str) -> bool:
        return jti in self._ids
