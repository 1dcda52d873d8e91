"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator

import pytest
from support.write_api import WriteApi, write_api


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    """The write side over a fake log, at a fixed time."""
    async with write_api() as made:
        yield made
