"""Fixtures for the unit tests."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Restore structlog's settings after a test that runs a service's command in this process.

    Loggers keep the settings of their first use, so other tests could no longer capture their output.
    """
    before = structlog.get_config()
    yield
    structlog.configure(**before)
