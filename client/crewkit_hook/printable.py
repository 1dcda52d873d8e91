"""Makes text from elsewhere, such as a server's, safe to store and to show in a terminal."""

from __future__ import annotations

CHARACTERS_MAX = 300


def printable(text: str) -> str:
    """Return the first characters of a text, with a space for each that isn't printable."""
    return "".join(character if character.isprintable() else " " for character in text[:CHARACTERS_MAX])
