"""Measure each test: seconds, processor seconds including all its processes, and processes started.

A plugin: `pytest -p tests.selection.costs --costs FILE`. Each worker moves into a control group, whose counter includes
every process that it started, alive or not. It needs Linux, and the right to create control groups: usually root.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.selection.parts import part_of

CPUACCT = Path("/sys/fs/cgroup/cpuacct")  # version 1
UNIFIED = Path("/sys/fs/cgroup")  # version 2
STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork"}


class Cost(msgspec.Struct, frozen=True):
    """The cost of one test, including its fixtures."""

    test: str
    part: str | None  # of `make test-all`
    wall_s: float
    processor_s: float
    starts: int


class Group:
    """The control group of this process and of those that it starts."""

    def __init__(self) -> None:
        """Create the group and move this process into it."""
        root = CPUACCT if CPUACCT.exists() else UNIFIED
        for ended in root.glob("tests-*"):
            with contextlib.suppress(OSError):  # a process is still in it
                ended.rmdir()
        self.folder = root / f"tests-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def processor_s(self) -> float:
        """Return the processor time of the group so far, in seconds."""
        if (usage := self.folder / "cpuacct.usage").exists():
            return int(usage.read_text()) / 1e9
        line = (self.folder / "cpu.stat").read_text().partition("\n")[0]
        return int(line.removeprefix("usage_usec ")) / 1e6


class Recorder:
    """Writes one line of JSON for each test."""

    def __init__(self, file: Path) -> None:
        """Start counting; all workers append to ``file``."""
        self.file, self.group, self.starts = file, Group(), 0
        file.parent.mkdir(parents=True, exist_ok=True)
        sys.addaudithook(self.count)

    def count(self, event: str, _: tuple[Any, ...]) -> None:
        """Count a process that this one starts; Python's audit hooks see each."""
        self.starts += event in STARTS

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record the cost of this test."""
        wall, processor, starts = time.perf_counter(), self.group.processor_s(), self.starts
        result = yield
        took = time.perf_counter() - wall, self.group.processor_s() - processor
        cost = Cost(item.nodeid, part_of(item), round(took[0], 3), round(took[1], 3), self.starts - starts)
        with self.file.open("ab") as file:
            file.write(msgspec.json.encode(cost) + b"\n")
        return result


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--costs FILE`."""
    parser.addoption("--costs", type=Path, help="append what each test costs to this file, as lines of JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the worker processes."""
    file = config.getoption("costs")
    if file is not None and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        config.pluginmanager.register(Recorder(file.resolve()))
