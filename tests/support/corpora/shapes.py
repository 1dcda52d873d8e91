"""Reads the corpora: made-up secrets, each with its group and the text around it.

An entry is ``group: secret: text``, where ``§`` marks the secret's place; the text may be missing. A line that begins
with ``  ¦`` continues the entry after a line break. Secrets are patterns: ``<a36>`` stands for generated characters, so
that no line of these files looks like a secret to a scanner.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Secret(NamedTuple):
    """A secret, its group, and a text around it; ``§`` marks its place."""

    group: str
    secret: str
    text: str

    @property
    def written(self) -> str:
        """Return the text with the secret in it."""
        return self.text.replace("§", self.secret)


def entries(text: str) -> list[str]:
    """Return the entries of a corpus, each with its line breaks."""
    return [entry.replace("\n  ¦", "\n") for entry in re.split(r"\n(?!  ¦)", text.strip("\n"))]


def secrets(text: str, make: Callable[[str], str], without_text: Callable[[], str]) -> Iterator[Secret]:
    """Yield the secrets of a corpus; ``make`` returns what the name in ``<>`` stands for."""
    for entry in entries(text):
        group, pattern, *rest = entry.split(": ", 2)
        secret = re.sub("<([^<>]+)>", lambda name: make(name[1]), pattern)
        yield Secret(group, secret, rest[0] if rest else without_text())


def card(name: str, digits: Callable[[int], str]) -> str:
    """Return a card number with its check digit (Luhn); ``4:4 6 5`` gives its first digits and its groups."""
    prefix, grouping = name.split(":")
    sizes = [int(size) for size in re.split("[ -]", grouping)]
    number = prefix + digits(sum(sizes) - len(prefix) - 1)
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(number)))
    left = number + str(-sum(sum(divmod(value, 10)) for value in doubled) % 10)
    groups = [left[sum(sizes[:place]) :][:size] for place, size in enumerate(sizes)]
    return ("-" if "-" in grouping else " ").join(groups)
