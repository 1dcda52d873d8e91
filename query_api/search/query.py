"""What a search asks for: words, and phrases between quotation marks."""

from typing import NamedTuple

from kernel.words import phrase_text, split_words

Term = tuple[str, ...]  # words that stand one after the other


class SearchQuery(NamedTuple):
    """All of these terms must be found in a session."""

    terms: tuple[Term, ...]

    @property
    def words(self) -> list[str]:
        """Every word of every term, each once."""
        return list(dict.fromkeys(word for term in self.terms for word in term))

    @property
    def phrases(self) -> list[str]:
        """The terms of several words, as they stand in the kept text."""
        return [phrase_text(term) for term in self.terms if len(term) > 1]


def parse(text: str) -> SearchQuery:
    """The terms of any text. A quotation mark that is never closed is none; what holds no word asks for nothing."""
    parts = text.split('"')
    quoted = parts[1 : len(parts) - 1 : 2]
    loose = parts[0::2] if len(parts) % 2 else [*parts[0::2], parts[-1]]
    terms = [(word,) for part in loose for word in split_words(part)]
    phrases = [tuple(split_words(part)) for part in quoted]
    return SearchQuery(tuple(dict.fromkeys(term for term in (*terms, *phrases) if term)))
