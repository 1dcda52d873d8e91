"""The terms of a search: words, and phrases between quotation marks."""

from typing import NamedTuple

from kernel.words import phrase_text, split_words

SearchTerm = tuple[str, ...]  # words that follow one another


class SearchQuery(NamedTuple):
    """The terms that a session must contain, all of them."""

    terms: tuple[SearchTerm, ...]

    @property
    def words(self) -> list[str]:
        """Return the words of all terms, each once."""
        return list(dict.fromkeys(word for term in self.terms for word in term))

    @property
    def phrases(self) -> list[str]:
        """Return the terms of several words, as they are stored in `search_text`."""
        return [phrase_text(term) for term in self.terms if len(term) > 1]


def parse(text: str) -> SearchQuery:
    """Return the terms of any text; an unclosed quotation mark counts as text, and parts without a word are dropped."""
    parts = text.split('"')
    quoted = parts[1 : len(parts) - 1 : 2]
    loose = parts[0::2] if len(parts) % 2 else [*parts[0::2], parts[-1]]
    terms = [(word,) for part in loose for word in split_words(part)]
    phrases = [tuple(split_words(part)) for part in quoted]
    return SearchQuery(tuple(dict.fromkeys(term for term in (*terms, *phrases) if term)))
