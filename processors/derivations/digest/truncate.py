"""Cuts texts to a number of characters (Unicode code points), never inside what a reader sees as one character."""

import re
import unicodedata

ELLIPSIS = "…"
_BACK_TO_A_WORD = 24  # characters to look back for a space; without one the cut is between any two characters
_ZERO_WIDTH_JOINER = "\u200d"
_EXTENDERS = re.compile("[\u200d\ufe00-\ufe0f\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def cut(text: str, limit: int) -> str:
    """Return ``text`` in at most ``limit`` characters. A cut ends with an ellipsis, after a word if one is near."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    end = limit - 1
    while end > 0 and _belong_together(text[end - 1], text[end]):
        end -= 1
    near = max(0, end - _BACK_TO_A_WORD)
    space = max(text.rfind(" ", near, end), text.rfind("\n", near, end))
    return text[: space if space > 0 else end].rstrip() + ELLIPSIS


def one_line(text: str, limit: int) -> str:
    """Return ``text`` cut to ``limit`` characters, with white space made single spaces."""
    return cut(" ".join(text[: 4 * limit].split()), limit)


def _belong_together(one: str, other: str) -> bool:
    return (
        one == _ZERO_WIDTH_JOINER
        or unicodedata.category(other) in ("Mn", "Mc", "Me")
        or _EXTENDERS.match(other) is not None
        or (one, other) == ("\r", "\n")
        or _REGIONAL.match(one + other) is not None
    )
