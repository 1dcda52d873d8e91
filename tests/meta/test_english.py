"""The texts of the product and of its documentation avoid words that make riddles (told, whoever, nobody, …)."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CHECKOUT
from tests.support.pages import PAGES

RIDDLES = re.compile(r"\b(?:told|whoever|nobody|somebody|manieth)\b", re.IGNORECASE)  # say: receive, any, no client
TEXTS = {".sql", ".xml", ".toml", ".yaml"}
PYTHON_TEXTS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
PACKAGES = sorted(path.parent for path in CHECKOUT.glob("*/__init__.py") if path.parent.name != "tests")


def python_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments and strings of a module, docstrings included, each with its first line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in PYTHON_TEXTS:
            yield token.start[0], token.string


def riddles(name: str, text: str) -> list[str]:
    """Return each such word of a file with its place; of a module, only comments and strings are searched."""
    parts = python_texts(text) if name.endswith(".py") else enumerate(text.splitlines(), start=1)
    return [
        f"{name}:{first + part.count(chr(10), 0, found.start())}: {found[0]}"
        for first, part in parts
        for found in RIDDLES.finditer(part)
    ]


def read(path: Path) -> tuple[str, str]:
    """Return the name of a file in the repository, and its text."""
    return str(path.relative_to(CHECKOUT)), path.read_text()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_product_is_in_plain_english(package: Path) -> None:
    """Comments, docstrings, messages and SQL are searched; names in code are not."""
    files = [path for path in sorted(package.rglob("*")) if path.suffix in TEXTS | {".py"}]

    assert [found for path in files for found in riddles(*read(path))] == []


def test_the_documentation_is_in_plain_english() -> None:
    """Every page is searched, and the two files that explain the build."""
    texts = [*PAGES.items(), read(CHECKOUT / "Makefile"), read(CHECKOUT / "pyproject.toml")]

    assert [found for name, text in texts for found in riddles(name, text)] == []


def test_each_kind_of_text_is_searched() -> None:
    """Otherwise the tests above would show nothing."""
    module = '"""Ask.\n\nNobody knows."""\ntold = f"somebody {1}"  # whoever\n'

    assert riddles("a.py", module) == ["a.py:3: Nobody", "a.py:4: somebody", "a.py:4: whoever"]
    assert riddles("a.sql", "SELECT 1\n-- as told") == ["a.sql:2: told"]
