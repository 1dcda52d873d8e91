"""Runs the bare prototype of `bench/baselines/`: its write side and its projector, one process each."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.api import Target
from bench.baselines import prototype_ingest, prototype_projector
from bench.baselines.prototype_projector import Done
from bench.population import ORGS
from bench.services import HOST, Service, process, wait_until
from devstack.supervisor.process import Process
from ingest.log.kafka import KafkaTopic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port


@contextlib.contextmanager
def prototype_ingesting(folder: Path, topic: KafkaTopic) -> Iterator[Service]:
    """Run the write side; yields when it answers. It needs no token."""
    port = free_port()
    command = [sys.executable, "-P", "-m", prototype_ingest.__name__, topic.bootstrap, topic.name, str(port)]
    with process(command, folder / "prototype-ingest.log") as running:
        wait_until(lambda: answers_200(HOST, port, "/livez"), running, folder)
        yield Service(running, folder, Target(HOST, port, dict.fromkeys(ORGS, "none")))


@contextlib.contextmanager
def prototype_projecting(folder: Path, topic: KafkaTopic) -> Iterator[Process]:
    """Run the projector with a new store in ``folder``."""
    command = [sys.executable, "-P", "-m", prototype_projector.__name__, topic.bootstrap, topic.name, str(folder)]
    with process(command, folder / "prototype-projector.log") as running:
        yield running


def projected_by_prototype(folder: Path) -> Done:
    """Return how far the projector has come."""
    file = folder / "progress.json"
    return msgspec.json.decode(file.read_bytes(), type=Done) if file.exists() else Done()
