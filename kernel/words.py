"""What a word is, for search: a run of letters and digits, without case and accents, whatever stands around it.

One table, from a character to what it folds to, serves the text that a projector keeps of a session, the question, and
the highlights, so that the three never disagree. It follows from `unicodedata`: compatibility forms (ﬁ, ½) fold to
what they stand for, ß to ss, é to e, and letters with a stroke, which Unicode takes for letters of their own (ø, ł), to
those without. Signs that complete a letter (of Indic scripts, of Thai) belong to the word; invisible ones do not exist.
"""

from collections.abc import Iterable
from unicodedata import category, combining, normalize

_KNOWN_MAX = 50_000  # characters; more than any language writes with, so nobody fills the memory with rare ones
_WITH_STROKE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"})
_INVISIBLE = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x034F}  # variation selectors, the grapheme joiner
_BREAK = "\u200b"  # a space without width is a space


class _Folding(dict[int, str]):
    """For `str.translate`; it learns a character when it meets it."""

    def __missing__(self, character: int) -> str:
        folded = fold_character(chr(character))
        if len(self) < _KNOWN_MAX:
            self[character] = folded
        return folded


def fold_character(character: str) -> str:
    """What the character means to search: letters and digits, spaces around what is neither, or nothing."""
    plain = normalize("NFKD", normalize("NFKD", character).casefold()).translate(_WITH_STROKE)
    return "".join([_fold_part(part) for part in plain])


def _fold_part(part: str) -> str:
    kind = category(part)
    if combining(part) or kind == "Me" or ord(part) in _INVISIBLE or (kind == "Cf" and part != _BREAK):
        return ""
    return part if kind[0] in "LMN" else " "


_FOLDING = _Folding()


def folded(text: str) -> str:
    """The text with each character folded; what is no part of a word is a space."""
    return text.translate(_FOLDING)


def folded_lengths(text: str) -> list[int]:
    """How many characters of the folded text come from each character."""
    return [len(_FOLDING[ord(character)]) for character in text]


def split_words(text: str) -> list[str]:
    """The words, in their order."""
    return folded(text).split()


def search_text(texts: Iterable[str]) -> str:
    """The words of several texts, as they are kept for search.

    A space before and after each word, and one more between two texts: so `` a b `` is found where ``a`` is followed
    by ``b`` in one text, and only there.
    """
    return "".join([f" {' '.join(words)} " for text in texts if (words := split_words(text))])


def phrase_text(words: Iterable[str]) -> str:
    """What to look for in a `search_text`, to find these words one after the other."""
    return f" {' '.join(words)} "
