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
