"""Fixtures of the unit tests."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Restore the settings of structlog after a test that runs a service's command in this process.

    Loggers keep the settings of their first use, so other tests could no longer capture what they log.
    """
    before = structlog.get_config()
    yield
    structlog.configure(**before)
