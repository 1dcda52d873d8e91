"""Split text into search words: runs of letters and digits, ignoring case and accents.

One folding table serves the stored search text of a session, the query and the highlights, so that all three agree. It
is computed with `unicodedata`: compatibility forms fold to their parts (ﬁ to fi), ß to ss, é to e, and letters with a
stroke, which Unicode does not decompose (ø, ł), to the letter without it. Signs that complete a letter (Indic scripts,
Thai) belong to the word. Invisible characters are removed.
"""

import re
from collections.abc import Iterable
from unicodedata import category, combining, normalize

_KNOWN_MAX = 50_000  # characters; more than any language uses, and a bound on memory
_WITH_STROKE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"})
_INVISIBLE = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x034F}  # variation selectors, the grapheme joiner
_BREAK = "\u200b"  # the zero-width space separates words


class _Folding(dict[int, str]):
    """A table for `str.translate` that computes and caches each character at its first use."""

    def __missing__(self, character: int) -> str:
        folded = fold_character(chr(character))
        if len(self) < _KNOWN_MAX:
            self[character] = folded
        return folded


def fold_character(character: str) -> str:
    """Return the folded character: letters and digits, a space for a separator, or nothing."""
    plain = normalize("NFKD", normalize("NFKD", character).casefold()).translate(_WITH_STROKE)
    return "".join([_fold_part(part) for part in plain])


def _fold_part(part: str) -> str:
    kind = category(part)
    if combining(part) or kind == "Me" or ord(part) in _INVISIBLE or (kind == "Cf" and part != _BREAK):
        return ""
    return part if kind[0] in "LMN" else " "


_FOLDING = _Folding()
_END = "\0"  # between two texts while they are folded
_SPACES = re.compile(b"  +")
_ASCII = "".join([_END, *map(fold_character, map(chr, range(1, 128)))]).encode() + bytes(128)


def folded(text: str) -> str:
    """Return the text with each character folded. Characters outside words become spaces."""
    return text.translate(_FOLDING)


def folded_lengths(text: str) -> list[int]:
    """Return the length of the folded form of each character."""
    return [len(_FOLDING[ord(character)]) for character in text]


def split_words(text: str) -> list[str]:
    """Return the words, in order."""
    return folded(text).split()


def search_text(texts: Iterable[str]) -> str:
    """Return the words of several texts in the stored form for search.

    Each word has a space before and after it, and there is one more between two texts. So `` a b `` matches exactly
    where ``b`` follows ``a`` in one text.
    """
    return "".join([f" {' '.join(words)} " for text in texts if (words := split_words(text))])


def encoded_search_text(texts: Iterable[str]) -> bytes:
    """Return the `search_text` of these texts in any order, in UTF-8.

    Texts in ASCII, which most are, are folded together: ten times as fast.
    """
    plain: list[str] = []
    others: list[str] = []
    for text in texts:
        (plain if text.isascii() and _END not in text else others).append(text)
    return _encoded_ascii(plain) + search_text(others).encode()


def _encoded_ascii(texts: Iterable[str]) -> bytes:
    words = _SPACES.sub(b" ", f" {_END} ".join(texts).encode().translate(_ASCII))
    end = _END.encode()
    while (empty := b"%b %b" % (end, end)) in words:
        words = words.replace(empty, end)
    words = words.strip(b" %b" % end)
    return b" %b " % words.replace(b" %b " % end, b"  ") if words else b""


def phrase_text(words: Iterable[str]) -> str:
    """Return the substring of a `search_text` that contains these words in sequence."""
    return f" {' '.join(words)} "
