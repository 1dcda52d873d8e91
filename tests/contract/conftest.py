"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.installation import Installation
from support.kafka import need_jars
from support.write_api import WriteApi, write_api


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    """The write side over a fake log, at a fixed time."""
    async with write_api() as made:
        yield made


@pytest.fixture(scope="session", params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Both ways to run, each started once for all contract tests.

    Tests share it, so each takes an org of its own (``fresh_org``) and leaves it healthy.
    """
    if request.param == "stack":
        need_jars()
    running = Installation(request.param, tmp_path_factory.mktemp(request.param))
    try:
        yield running.start()
    finally:
        running.end()


@pytest.fixture
def fresh_org(request: pytest.FixtureRequest) -> str:
    """An org that no other test uses; its name tells the test."""
    return f"org-{abs(hash(request.node.nodeid)):x}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a way to run has no part in; that is no test that was skipped."""
    left_out = [item for item in items if _is_elsewhere(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_elsewhere(item: pytest.Item) -> bool:
    only = item.get_closest_marker("only_on")
    return only is not None and item.callspec.params["installation"] not in only.args  # type: ignore[attr-defined]  # of a parametrised function
