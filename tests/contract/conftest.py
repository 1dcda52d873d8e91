"""Fixtures for the contract tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.kinds import runs_on
from tests.support.clients.conventions import Here
from tests.support.rigs.installation import Installation
from tests.support.rigs.write_api import WriteApi, write_api

HERE = Path(__file__).parent


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    """Run the write side over a fake log, at a fixed time."""
    async with write_api() as made:
        yield made


@pytest.fixture(scope="module")
def here(installation: Installation) -> Iterator[Here]:
    """Return an org shared by all tests that tolerate other content in it."""
    made = Here(installation, "org-conventions")
    yield made
    made.close()


@pytest.fixture
def alone(installation: Installation, fresh_org: str) -> Iterator[Here]:
    """Return an org for one test, which counts its sessions."""
    made = Here(installation, fresh_org)
    yield made
    made.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that don't run on this kind of installation, so that they do not count as skipped."""
    left_out = [item for item in items if _is_elsewhere(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not _is_elsewhere(item)]


def _is_elsewhere(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or not item.path.is_relative_to(HERE) or not hasattr(item, "callspec"):
        return False
    kind = item.callspec.params.get("installation")
    has_own = item.get_closest_marker("only_on") is not None
    return kind is not None and not has_own and not runs_on(kind, item.path.name, item.originalname)
