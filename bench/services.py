"""Starts what is measured, each with data of its own that is removed at the end, and ends it by its own pid."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.load import ORG, Target
from deploy.devstack.stack import answers_200
from deploy.devstack.supervisor.process import Process
from edge.tokens import issue_token
from kernel.ports import free_port
from runtime.secrets import token_key
from runtime.settings import Settings

HOST = "127.0.0.1"
# Empty means unset: what the caller has in his environment must not lead a bench to his own data.
NOTHING_SET = dict.fromkeys((name.upper() for name in Settings.__struct_fields__), "")
UP_S, STOP_S = 120.0, 30.0
TTL_S = 4 * 3600


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crewkit-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def service(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """One of our commands, running with its data in ``folder``."""
    process = Process(
        ours(folder, *arguments), NOTHING_SET | dict(env or {}), folder / f"{arguments[0]}.log", signal.SIGKILL
    )
    try:
        yield process
    finally:
        process.stop(signal.SIGTERM, STOP_S)


@contextlib.contextmanager
def http_service(folder: Path, command: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[Process, Target]]:
    """`up`, `stack`, `serve` or `ingest`, answering."""
    port = free_port()
    with service(folder, command, "--port", str(port), env=env) as process:
        wait_until(lambda: answers_200(HOST, port, "/livez"), process, folder)
        token = issue_token(token_key(folder / "secrets"), "bench", ORG, "admin", TTL_S, time.time())
        yield process, Target(HOST, port, token)


def ours(folder: Path, command: str, *options: str) -> list[str]:
    """The command line of `crewkit-sessions COMMAND`."""
    return [sys.executable, "-P", "-m", "cli", command, "--data", str(folder), *options]


def run_once(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run one of our commands to its end. Raises `RuntimeError` with what it said when it fails."""
    with service(folder, *arguments, env=env) as process:
        wait_until(lambda: process.exit_code() is not None, None, folder)
        if process.exit_code() != 0:
            raise RuntimeError(said(folder))


def wait_until(done: Callable[[], bool], process: Process | None, folder: Path, limit_s: float = UP_S) -> None:
    """Look until ``done``. Raises `RuntimeError` when the process ends before, or it takes too long."""
    deadline = time.monotonic() + limit_s
    while not done():
        if process is not None and process.exit_code() is not None:
            raise RuntimeError(f"ended with {process.exit_code()}: {said(folder)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"took more than {limit_s:g} s: {said(folder)}")
        time.sleep(0.05)


def said(folder: Path) -> str:
    """The last lines of what the services of this folder said."""
    logs = [*folder.glob("*.log"), *folder.glob("log/*.log")]
    return "\n".join(f"[{log.name}] {log.read_text(errors='replace')[-1_500:]}" for log in logs)


def resident_mb(pid: int, peak: bool = False) -> float:
    """Resident memory of a process, now or at its highest."""
    name = "VmHWM" if peak else "VmRSS"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} of {pid}")


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
