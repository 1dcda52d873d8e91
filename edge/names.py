"""Names in tokens: our own issuer and audience, and which names are valid. Needs no third-party package."""

from schemas.permissions import NAME_CHARACTERS_MAX

ISSUER = "crewkit-sessions"
AUDIENCE = "crewkit-sessions-api"


def is_valid_name(value: object) -> bool:
    """Return whether ``value`` is a valid name of a user, an org or a token."""
    return isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX and value.isprintable()
