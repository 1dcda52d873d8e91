"""Fixtures for the tests with unmodified agents."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rigs.agent_home import AgentHome
from tests.support.rigs.installation import Installation

SENT: dict[str, Counter[str]] = defaultdict(Counter)  # by agent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where the agents are not installed."""
    if "AGENTS" not in os.environ:
        skip = pytest.mark.skip(reason="`make clients` installs the agents by npm, and runs this")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show which events each agent sent, over all tests."""
    for agent, types in sorted(SENT.items()):
        terminalreporter.section(f"events of {agent}")
        terminalreporter.write_line(", ".join(f"{name} {count}" for name, count in types.most_common()))


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Start an installation."""
    made = Installation("up", tmp_path_factory.mktemp("up"))
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture
def home(tmp_path: Path, serving: Installation, fresh_org: str, request: pytest.FixtureRequest) -> Iterator[AgentHome]:
    """Return a user's home folder, with a new org. With RECORD, the files left there are recorded."""
    made = AgentHome(tmp_path / "home", serving, fresh_org)
    yield made
    for session in made.sessions():
        agent = f"{session['client']} {session['client_version'] or '(version unknown)'}"
        SENT[agent].update(event["event_type"] for event in made.events(session))
    name = request.node.name.removeprefix("test_").replace("[", "_").rstrip("]")
    made.end()
    made.record(f"{request.path.stem.removeprefix('test_')}.{name}")


@pytest.fixture
def elsewhere(tmp_path: Path, serving: Installation, fresh_org: str) -> Iterator[AgentHome]:
    """Return another home folder, of another org, in which no agent has worked."""
    made = AgentHome(tmp_path / "elsewhere", serving, f"{fresh_org}-elsewhere")
    yield made
    made.end()
