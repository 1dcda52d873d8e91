"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.clients.conventions import Here
from tests.support.rigs.installation import Installation
from tests.support.rigs.write_api import WriteApi, write_api


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    """Run the write side over a fake log, at a fixed time."""
    async with write_api() as made:
        yield made


@pytest.fixture(scope="module")
def here(installation: Installation) -> Iterator[Here]:
    """Return an org shared by all tests that accept other content in it."""
    made = Here(installation, "org-conventions")
    yield made
    made.close()


@pytest.fixture
def alone(installation: Installation, fresh_org: str) -> Iterator[Here]:
    """Return an org of one test, which counts its sessions."""
    made = Here(installation, fresh_org)
    yield made
    made.close()
