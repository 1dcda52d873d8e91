"""The files of the dashboard: nothing parses markup, nothing comes from other hosts, and every module is used."""

import re
from pathlib import Path

import pytest

from runtime.services.dashboard import PAGES, page_script
from runtime.services.dashboard import STYLES as PARTS_OF_STYLE
from tests.support import CHECKOUT

FOLDER = CHECKOUT / "dashboard"
MODULES = sorted((FOLDER / "static" / "app").rglob("*.js"))
STYLES = sorted((FOLDER / "static" / "style").glob("*.css"))
PAGE = FOLDER / "index.html"
LINE_CHARACTERS_MAX = 120
SENTENCE = re.compile(r"""\s*(?:return |: )?["`].*["`][,;]?(?: \+)?""")
# Code that would turn text into markup or code, or send a token elsewhere. A BroadcastChannel reaches this origin only.
FORBIDDEN = (
    r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc"
    r"|\beval\(|\bnew Function\b|setTimeout\(\s*[\"'`]|document\.cookie|sendBeacon|(?<!\bchannel\.)postMessage"
    r"|importScripts"
)


def named(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


@pytest.mark.parametrize("path", [*MODULES, PAGE], ids=named)
def test_nothing_parses_markup_or_runs_texts(path: Path) -> None:
    """Text from agents stays text, even if a later change forgets to escape it."""
    assert re.findall(FORBIDDEN, path.read_text()) == []


@pytest.mark.parametrize("path", [*MODULES, *STYLES, PAGE], ids=named)
def test_nothing_names_another_host(path: Path) -> None:
    """Only XML namespaces may look like addresses."""
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text) == []
    assert "@import" not in text


def test_the_script_and_the_style_are_made_of_all_files() -> None:
    """A module that nothing imports, or a style that is not in the list, would be dead."""
    names = {path.relative_to(FOLDER / "static").as_posix() for path in MODULES}

    assert {name for name in names if f"// {name}\n" not in page_script()} == {
        "app/theme.js"
    }  # the page loads it first
    assert sorted(f"{name}.css" for name in PARTS_OF_STYLE) == [path.name for path in STYLES]


def test_the_router_and_the_server_know_the_same_addresses() -> None:
    """Reloading any page returns that page."""
    table = (FOLDER / "static" / "app" / "main.js").read_text()
    patterns = re.findall(r"\[/\^(\S+)\$/, ", table)
    served = {re.sub(r"\{\w+:str\}", "([0-9a-f-]{36})", path) for path in PAGES}

    assert {pattern.replace("\\/", "/") for pattern in patterns} == served


@pytest.mark.parametrize("path", [*MODULES, *STYLES, PAGE], ids=named)
def test_lines_fit_a_screen(path: Path) -> None:
    """Lines have the same limit as in Python, except sentences, which no formatter breaks."""
    long = [line for line in path.read_text().splitlines() if len(line) > LINE_CHARACTERS_MAX]

    assert [line for line in long if not SENTENCE.fullmatch(line)] == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_each_module_says_what_it_is(path: Path) -> None:
    """The first line of a module is a comment that says what it does."""
    assert re.match(r"// \S.{15,}", path.read_text())
