"""The documentation agrees with the code: links, file names, commands, settings and metrics."""

import re
from pathlib import Path

import pytest

from audit import history, routes, turns
from bench.__main__ import QUESTIONS
from cli.main import crewkit_sessions
from edge import redis_counter
from generations import control, projector_jobs, provisioned_jobs
from generations.control import LOOK_EVERY_S
from generations.jobs import replies
from generations.jobs import table as jobs
from ingest import arrivals
from ingest.log import port
from processors.flow import availability, pacer
from processors.marks import rollups
from query_api import freshness, visibility
from query_api.sessions import one
from runtime.settings.settings import Settings
from store.reading import reader
from tests.support import CHECKOUT
from tests.support.pages import PAGES, all_blocks

FOLDERS = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")}
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
_PATH = re.compile(rf"`((?:{'|'.join(sorted(FOLDERS))}|docs)/[\w./-]+)`")
_CODE = re.compile(r"`([^`\n]+)`")
_METRIC = re.compile(r'"(crewkit_[a-z_]+)"')


def slugs(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(page: str, heading: str = "") -> list[list[str]]:
    """Return the cells of every table row under a heading; by default of the whole page."""
    text = re.split(r"\n#+ ", PAGES[page].partition(f"\n{heading}\n")[2])[0] if heading else PAGES[page]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in text.splitlines() if line[:3] == "| `"]


def typed(pattern: str) -> set[str]:
    """Return the words that follow a command's name in all code of the documentation."""
    text = "\n".join([*(block.text for block in all_blocks()), *("\n".join(_CODE.findall(p)) for p in PAGES.values())])
    return set(re.findall(pattern, text))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """A link leads to a file or folder of the repository, and to a heading of its page."""
    broken = []
    for path, anchor in _LINK.findall(PAGES[page]):
        target = (CHECKOUT / page).parent / path if path else CHECKOUT / page
        if not target.exists() or (anchor and anchor not in slugs(target.read_text())):
            broken.append(f"{path}#{anchor}")

    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_files_and_folders_that_are_named_exist(page: str) -> None:
    """A recipe that names a moved file would mislead."""
    assert [path for path in _PATH.findall(PAGES[page]) if not (CHECKOUT / path).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    """A chain of links of any length leads there."""
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in PAGES and page not in reached:
            reached.add(page)
            links = (((CHECKOUT / page).parent / path).resolve() for path, _ in _LINK.findall(PAGES[page]) if path)
            waiting += [str(link.relative_to(CHECKOUT)) for link in links]

    assert set(PAGES) - reached == set()


def test_commands_and_targets_exist() -> None:
    """`crewkit-sessions NAME` and `make NAME` are checked in blocks and in sentences."""
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))

    assert typed(r"crewkit-sessions ([a-z][a-z-]*)") - crewkit_sessions.commands.keys() == set()
    assert typed(r"\bmake ([a-z][a-z-]*)") - targets == set()


def test_blocks_name_their_language_and_commands_are_sh() -> None:
    """Otherwise the tests that run commands would miss some."""
    found = all_blocks()

    assert {block.language for block in found} <= {"sh", "text", "toml", "python", "json", "mermaid"}
    assert sum(text.count("```") for text in PAGES.values()) == 2 * len(found)
    commands = re.compile(r"^(crewkit-sessions|make|curl|kafka-acls|export|python3?) ", re.MULTILINE)
    assert [block for block in found if block.language != "sh" and commands.search(block.text)] == []


def test_the_readme_is_short_and_the_map_names_every_folder() -> None:
    """A new reader reads all of the README, and a new contributor finds each part from the map."""
    contributing = PAGES["CONTRIBUTING.md"]

    assert len(PAGES["README.md"].splitlines()) <= 140
    assert {folder for folder in FOLDERS | {"tests", "bench"} if f"`{folder}/`" not in contributing} == set()


def test_every_figure_names_the_question_that_measures_it() -> None:
    """Anyone can then measure the figure again."""
    table = PAGES["docs/performance.md"].partition("| question |\n")[2].partition("\n\n")[0]

    assert set(re.findall(r"`(\w+)` \|$", table, re.MULTILINE)) == set(QUESTIONS)


def test_every_setting_is_documented_with_its_default() -> None:
    """A setting has one name in environment and file; the table is complete. An empty default may be described."""
    documented = {name.strip("`"): default for name, default, _meaning in rows("docs/settings.md")}
    defaults = {name.upper(): getattr(Settings(), name) for name in Settings.__struct_fields__}

    assert set(documented) == set(defaults)
    for name, default in defaults.items():
        shown = (
            str(default).lower()
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else default
        )
        assert default == "" or documented[name] == f"`{shown}`", name


def test_every_metric_is_documented_and_every_metric_of_the_table_is_there() -> None:
    """This includes all metrics of the product, in any module."""
    product = FOLDERS - {"tests", "bench"}
    made = {
        name
        for top in product
        for file in Path(CHECKOUT, top).rglob("*.py")
        for name in _METRIC.findall(file.read_text())
    }
    table = {row[0].strip("`") for row in rows("docs/operations.md", "### Metrics")}

    assert table - {"process_…"} == made


def test_the_interval_of_jobs_is_that_of_the_code() -> None:
    """An operator waits that long until a process takes a job up."""
    interval = {2.0: "every two seconds"}[LOOK_EVERY_S]

    assert all(interval in text for text in (PAGES["docs/replay.md"], str(jobs.__doc__), str(control.__doc__)))


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("edge/rate_limits.py", (redis_counter.TIMEOUT_S,)),
        ("ingest/arrivals.py", (arrivals.SILENCE_S, arrivals.GRACE_S)),
        ("ingest/lane.py", (port.APPEND_DEADLINE_S,)),
        ("ingest/log/port.py", (port.APPEND_DEADLINE_S,)),
        ("query_api/freshness.py", (freshness.WAIT_S,)),
        ("query_api/sessions/one.py", (one.WAIT_S,)),
        ("store/reading/fairness.py", (reader.ANSWER_WITHIN_S,)),
        ("audit/turns.py", (turns.OPERATOR_WAIT_S, routes.ORG_WAIT_S)),
        ("audit/history.py", (history.WAIT_S,)),
        ("query_api/visibility.py", (visibility.INTERVAL_S,)),
        ("processors/flow/pacer.py", (pacer.WAIT_S,)),
        ("processors/flow/availability.py", (availability.RETRY_FIRST_S, availability.RETRY_MAX_S)),
        ("processors/marks/rollups.py", (rollups.PAUSE_S_MAX,)),
        ("generations/jobs/table.py", (replies.TAKEN_WITHIN_S, jobs.EXPIRES_S)),
        ("generations/projector_jobs.py", (projector_jobs.SWITCH_WITHIN_S,)),
        ("generations/provisioned_jobs.py", (provisioned_jobs.LEFT_FOR_S,)),
    ],
)
def test_the_times_of_the_page_about_waiting_are_those_of_the_code(code: str, seconds: tuple[float, ...]) -> None:
    """Each row of the page names its file, and how long a client or a batch waits at most."""
    named = [line for line in PAGES["docs/waiting.md"].splitlines() if f"`{code}`" in line]

    assert [each for each in seconds if not any(re.search(rf"(?<![\d.]){each:g} s\b", line) for line in named)] == []


def test_the_page_about_waiting_names_each_code_of_an_error() -> None:
    """A client that reads a code on the page finds it in the responses."""
    codes = set(re.findall(r"(?:408|429|503) `(\w+)`", PAGES["docs/waiting.md"]))
    responses = [*Path(CHECKOUT, "edge").rglob("*.py"), *Path(CHECKOUT, "ingest").rglob("*.py")]
    text = "".join(file.read_text() for file in [*responses, *Path(CHECKOUT, "query_api").rglob("*.py")])

    assert codes
    assert {code for code in codes if f'"{code}"' not in text} == set()
