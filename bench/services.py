"""Starts the processes that are measured, each with its own data folder, and stops them by pid."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import clickhouse_connect

from bench.load import Target
from bench.population import ORGS
from devstack.supervisor.process import Process
from edge.tokens import issue_token
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from runtime.settings.secrets import token_key
from runtime.settings.settings import Settings
from runtime.settings.store_url import parse_store_url
from store.connect import Client
from store.generations import FIRST_GENERATION

HOST = "127.0.0.1"
# Empty means unset: settings in the caller's environment must not lead a bench to the caller's data.
UNSET = dict.fromkeys((name.upper() for name in Settings.__struct_fields__), "")
UP_S, STOP_S, STORE_S = 120.0, 30.0, 300.0
TTL_S = 4 * 3600
T = TypeVar("T")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crewkit-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def process(command: Sequence[str], log_file: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run a command until the block ends; its output goes to ``log_file``."""
    running = Process(command, UNSET | dict(env or {}), log_file, signal.SIGKILL)
    try:
        yield running
    finally:
        running.stop(signal.SIGTERM, STOP_S)


@contextlib.contextmanager
def running_service(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run `crewkit-sessions ARGUMENTS` with its data in ``folder`` until the block ends."""
    name, *options = arguments
    command = [sys.executable, "-P", "-m", "cli", name, "--data", str(folder), *options]
    with process(command, folder / f"{name}.log", env) as running:
        yield running


@contextlib.contextmanager
def http_service(folder: Path, command: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[Process, Target]]:
    """Run `up`, `stack`, `serve` or `ingest`; yields when it answers."""
    port = free_port()
    with running_service(folder, command, "--port", str(port), env=env) as running:
        yield running, wait_until_ready(running, folder, port)


def wait_until_ready(running: Process, folder: Path, port: int) -> Target:
    """Wait until an HTTP service is ready, and issue a token for each org. Raises `RuntimeError`."""
    wait_until(lambda: answers_200(HOST, port, "/readyz"), running, folder)
    key, now = token_key(folder / "secrets"), time.time()
    return Target(HOST, port, {org: issue_token(key, "bench", org, "admin", TTL_S, now) for org in ORGS})


def run_once(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run `crewkit-sessions ARGUMENTS` to its end. Raises `RuntimeError` with its output if it fails."""
    with running_service(folder, *arguments, env=env) as running:
        wait_until(lambda: running.exit_code() is not None, None, folder)
        if running.exit_code() != 0:
            raise RuntimeError(_last_output(folder))


def wait_until(
    done: Callable[[], bool], running: Process | None, folder: Path, limit_s: float = UP_S, poll_s: float = 0.05
) -> None:
    """Poll until ``done``. Raises `RuntimeError` if the process ends first or ``limit_s`` passes."""
    deadline = time.monotonic() + limit_s
    while not done():
        if running is not None and running.exit_code() is not None:
            raise RuntimeError(f"ended with {running.exit_code()}: {_last_output(folder)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"took more than {limit_s:g} s: {_last_output(folder)}")
        time.sleep(poll_s)


def _last_output(folder: Path) -> str:
    """Return the last lines of each log file of the services in ``folder``."""
    files = [*folder.glob("*.log"), *folder.glob("log/*.log")]
    return "\n".join(f"[{file.name}] {file.read_text(errors='replace')[-1_500:]}" for file in files)


def in_own_process(work: Callable[..., T], *arguments: object) -> T:
    """Return what ``work`` returns in another process: an embedded store belongs to one process at a time.

    Raises:
        multiprocessing.TimeoutError: after five minutes.
    """
    with get_context("spawn").Pool(1) as pool:
        return pool.apply_async(work, arguments).get(STORE_S)


def open_store(store_url: str, generation: str = FIRST_GENERATION) -> Client:
    """Return a client of a generation."""
    store = parse_store_url(store_url)
    return clickhouse_connect.get_client(**store.at(store.database(generation)))


def resident_mb(pid: int, peak: bool = False) -> float:
    """Return the resident memory of a process, now or at its highest."""
    name = "VmHWM" if peak else "VmRSS"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} of {pid}")


def disk_bytes(folder: Path) -> int:
    """Return what all files take on the disk; some may vanish meanwhile. Kafka's indexes are mostly holes."""
    files = (Path(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used, all threads together."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants_cpu_s() -> float:
    """Return the processor seconds of all processes that this one started, and that those started, if they run now."""
    return sum(cpu_s(pid) for pid in _descendants(os.getpid()))


def tree_cpu_s(root: int) -> float:
    """Return the processor seconds of a process and of all that came from it, of those that have ended too."""
    times = [_stat(pid)[11:15] for pid in (root, *_descendants(root))]
    return sum(int(each) for of_one in times for each in of_one) / os.sysconf("SC_CLK_TCK")


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            parents[int(folder.name)] = int(_stat(int(folder.name))[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
