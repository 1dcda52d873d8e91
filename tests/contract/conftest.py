"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.rigs.write_api import WriteApi, write_api


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    """Run the write side over a fake log, at a fixed time."""
    async with write_api() as made:
        yield made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of the other kind of installation; they do not count as skipped."""
    left_out = [item for item in items if _is_elsewhere(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_elsewhere(item: pytest.Item) -> bool:
    only = item.get_closest_marker("only_on")
    return only is not None and item.callspec.params["installation"] not in only.args  # type: ignore[attr-defined]  # of a parametrised function
