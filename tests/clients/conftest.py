"""Fixtures of the tests with unmodified agents."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rigs.agent_home import AgentHome
from tests.support.rigs.installation import Installation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where the agents are not installed."""
    if "AGENTS" not in os.environ:
        skip = pytest.mark.skip(reason="`make clients` installs the agents by npm, and runs this")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


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
    """Return the home folder of a user, whose org is new. With RECORD, what was left there is recorded."""
    made = AgentHome(tmp_path / "home", serving, fresh_org)
    yield made
    name = request.node.name.removeprefix("test_").replace("[", "_").rstrip("]")
    made.record(f"{request.path.stem.removeprefix('test_')}.{name}")


@pytest.fixture
def elsewhere(tmp_path: Path, serving: Installation, fresh_org: str) -> AgentHome:
    """Return another home folder, of another org, in which no agent has worked."""
    return AgentHome(tmp_path / "elsewhere", serving, f"{fresh_org}-elsewhere")
