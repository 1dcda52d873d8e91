"""Tests quickly find out whether containers can be used for the integration tests, and why not."""

import socket
import time

import pytest

from tests.support.rigs import containers
from tests.support.rigs.containers import clickhouse_image, kafka_image, why_none


def test_a_docker_daemon_that_hangs_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts connections and never answers: after 3 s at most the tests continue without containers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{deaf.getsockname()[1]}")
        assert containers.DAEMON_ANSWERS_S <= 3
        monkeypatch.setattr(containers, "DAEMON_ANSWERS_S", 0.1)
        began = time.monotonic()

        assert "timed out" in why_none()

    assert time.monotonic() - began < 5


def test_no_docker_daemon_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is printed in the header of the run."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    assert "No such file or directory" in why_none()


def test_images_are_those_of_the_compose_file_unless_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the tests run with the same images as an installation."""
    monkeypatch.delenv("TEST_KAFKA_IMAGE", raising=False)
    assert kafka_image().startswith("apache/kafka:")
    assert clickhouse_image().startswith("clickhouse/clickhouse-server:26.3")

    monkeypatch.setenv("TEST_KAFKA_IMAGE", "ours:1")
    assert kafka_image() == "ours:1"
