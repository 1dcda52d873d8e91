"""The files of the dashboard: nothing parses markup, nothing comes from other hosts, and every module is used."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from runtime.services.dashboard import PAGES
from tests.support import CHECKOUT

FOLDER = CHECKOUT / "dashboard"
MODULES = sorted((FOLDER / "static" / "app").rglob("*.js"))
STYLES = sorted((FOLDER / "static" / "style").glob("*.css"))
PAGE = FOLDER / "index.html"
LINE_CHARACTERS_MAX = 120
SENTENCE = re.compile(r"""\s*(?:return |: )?["`].*["`][,;]?(?: \+)?""")
# Code that would turn text into markup or code, or send a token elsewhere.
FORBIDDEN = (
    r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc"
    r"|\beval\(|\bnew Function\b|setTimeout\(\s*[\"'`]|document\.cookie|sendBeacon|postMessage|importScripts"
)
IMPORT = re.compile(
    r"""^(?:import|export) [^;]*?from "([^"]+)";|^import "([^"]+)";|\bimport\("([^"]+)"\)""", re.MULTILINE
)


def named(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def imports_of(path: Path) -> list[str]:
    return ["".join(groups) for groups in IMPORT.findall(path.read_text())]


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


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_are_files_of_the_page(path: Path) -> None:
    """Imports are relative and include the suffix, because no build tool resolves them."""
    for name in imports_of(path):
        assert name.startswith(("./", "../")), name
        assert (path.parent / name).resolve() in MODULES, name


def test_every_module_is_used() -> None:
    """Every module can be reached from the page by imports."""
    first = set(re.findall(r'src="/(static/app/[^"]+)"', PAGE.read_text()))
    used, open_ = set(), [FOLDER / name for name in first]
    while open_:
        path = open_.pop().resolve()
        if path not in used:
            used.add(path)
            open_ += [path.parent / name for name in imports_of(path)]

    assert sorted(map(named, used)) == sorted(map(named, MODULES))


def test_no_module_imports_itself_through_others() -> None:
    """Every module can be read after those that it imports; the sorter names the modules of a circle."""
    imports = {path: [(path.parent / name).resolve() for name in imports_of(path)] for path in MODULES}

    assert set(TopologicalSorter(imports).static_order()) == set(MODULES)


def test_every_style_is_used() -> None:
    """The page uses every style sheet."""
    linked = re.findall(r'href="/(static/style/[^"]+)"', PAGE.read_text())

    assert sorted(linked) == [named(path) for path in STYLES]


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
