"""Images and containers: `make images-test` runs these tests, since they need Docker and take minutes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.building import build_images
from tests.images.composed import Composed

WHY = "`make images-test` runs it: install Docker with Compose, start dockerd, and install debootstrap"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them in other runs, and give each enough time for containers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))
            if os.environ.get("IMAGES") != "1":
                item.add_marker(pytest.mark.skip(reason=WHY))


@pytest.fixture(scope="session")
def images() -> None:
    """Build the images."""
    build_images()


@pytest.fixture(scope="module")
def composed(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Start the installation of `deploy/compose.yaml`; a module's tests leave it healthy."""
    composed = Composed(tmp_path_factory.mktemp("compose"))
    try:
        yield composed.start()
    finally:
        composed.end()
