"""The `Idempotency-Key` header: what makes a call repeatable."""

from edge.errors import invalid

HEADER = "Idempotency-Key"
_CHARACTERS_MAX = 255


def parse_idempotency_key(header: str | None) -> str | None:
    """The key, None where none was sent. ``header`` as HTTP servers give it, in Latin-1.

    Raises:
        ApiError: 422 for one that is empty, too long or not printable.
    """
    if header is None:
        return None
    try:
        key = header.encode("latin-1").decode()
    except UnicodeError:
        key = ""
    if not (1 <= len(key) <= _CHARACTERS_MAX and key.isprintable()):
        raise invalid({HEADER: [f"must have 1 to {_CHARACTERS_MAX} printable characters"]})
    return key
