"""What each test costs: seconds, processor seconds with those of all its processes, and processes started.

A plugin: `pytest -p tests.selection.costs --costs FILE`. Each worker moves into a control group, whose counter includes
every process that came from it, alive or not. It needs Linux, and the right to create control groups: usually root.
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
    """What one test took, its fixtures included."""

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
            with contextlib.suppress(OSError):  # it has processes
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
        """Begin to count; ``file`` is appended to by all workers."""
        self.file, self.group, self.starts = file, Group(), 0
        file.parent.mkdir(parents=True, exist_ok=True)
        sys.addaudithook(self.count)

    def count(self, event: str, _: tuple[Any, ...]) -> None:
        """Count a process that this one starts; the audit hooks of Python see each."""
        self.starts += event in STARTS

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record what this test took."""
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
    """Record in the processes that run tests."""
    file = config.getoption("costs")
    if file is not None and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        config.pluginmanager.register(Recorder(file.resolve()))
