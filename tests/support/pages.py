"""The pages of the documentation, and the code in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support import CHECKOUT

_DEPLOYED = ("deploy/kubernetes/README.md", "deploy/systemd/README.md")
_NAMES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md", *_DEPLOYED)
PAGES = {name: (CHECKOUT / name).read_text() for name in _NAMES} | {
    str(path.relative_to(CHECKOUT)): path.read_text() for path in sorted(Path(CHECKOUT, "docs").rglob("*.md"))
}
_PARTS = re.compile(
    r"^## (?P<section>[^\n]+)$"
    r"|(?:^\*Not run by the tests: (?P<reason>[^\n]+)\*\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block of code; ``reason`` says why tests don't run it, ``section`` is empty before the first one."""

    page: str
    section: str
    language: str
    text: str
    reason: str | None


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page in their order."""
    section = ""
    for part in _PARTS.finditer(PAGES[page]):
        if part["section"]:
            section = part["section"]
        else:
            yield Block(page, section, part["language"], part["text"], part["reason"])


def all_blocks() -> list[Block]:
    """Return the blocks of every page."""
    return [block for page in PAGES for block in blocks(page)]


def shell_lines(page: str, *sections: str) -> str:
    """Return the commands in these sections, in the order of the page; by default all commands on the page."""
    chosen = [
        block.text
        for block in blocks(page)
        if block.language == "sh" and block.reason is None and (not sections or block.section in sections)
    ]
    assert chosen, (page, sections)
    return "".join(chosen)
