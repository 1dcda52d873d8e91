"""The integration tests run with containers, as they do wherever the images of Kafka and ClickHouse are available.

Here both are built: Kafka from jars, and the store server instead of ClickHouse. So this shows that the tests start,
use and remove the containers, but not that ClickHouse's own server answers as the tests expect.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.images.building import SERVERS, docker, stand_in
from tests.support import CHECKOUT
from tests.support.rigs.containers import NO_CONTAINERS

pytestmark = pytest.mark.usefixtures("images")
SOME = ("test_faust_worker.py", "test_kafka_log.py", "test_query_profiles.py", "test_provision_store.py")


def test_with_containers_for_kafka_and_clickhouse() -> None:
    """A Faust worker between both, the log, the rights of readers, and what `provision` creates."""
    before = docker("ps", "--all", "--quiet")
    images = {f"TEST_{server.upper()}_IMAGE": stand_in(server) for server in SERVERS}
    # The container that removes others after a crash has its own image, which can't be pulled here either.
    env = os.environ | images | {"TESTCONTAINERS_RYUK_DISABLED": "true", "REQUIRE_CONTAINERS": "1"}
    env.pop(NO_CONTAINERS, None)  # the inner run finds out by itself
    chosen = [f"tests/integration/{name}" for name in SOME]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "containers", *chosen]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=840, check=False)

    assert done.returncode == 0, done.stdout[-6000:]
    assert f"also with {images['TEST_KAFKA_IMAGE']} and {images['TEST_CLICKHOUSE_IMAGE']}" in done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 15
    assert docker("ps", "--all", "--quiet") == before
