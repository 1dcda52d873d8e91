"""Text of others, such as a server's, as it may be stored and shown in a terminal."""

from __future__ import annotations

CHARACTERS_MAX = 300


def printable(text: str) -> str:
    """Return the first characters of a text, with a space for each that could control a terminal or hide."""
    return "".join(character if character.isprintable() else " " for character in text[:CHARACTERS_MAX])
