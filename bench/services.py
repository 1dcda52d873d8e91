"""Start the processes that are measured, each with its own data folder, and stop them by pid."""

import contextlib
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import clickhouse_connect

from bench.api import Target
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
UP_S, STOP_S, WORK_S = 120.0, 30.0, 1_800.0
TTL_S = 4 * 3600
T = TypeVar("T")


class Service(NamedTuple):
    """An HTTP service that is ready."""

    process: Process
    folder: Path
    target: Target

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="crewkit-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def process(command: Sequence[str], log_file: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run a command until the block ends; its output goes to ``log_file``."""
    running = Process(command, UNSET | dict(env or {}), log_file, signal.SIGKILL)
    try:
        yield running
    finally:
        running.stop(signal.SIGTERM, STOP_S)


def running_service(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> contextlib.AbstractContextManager[Process]:
    """Run `crewkit-sessions ARGUMENTS` with its data in ``folder`` until the block ends."""
    name, *options = arguments
    command = [sys.executable, "-P", "-m", "cli", name, "--data", str(folder), *options]
    return process(command, folder / f"{name}.log", env)


@contextlib.contextmanager
def http_service(folder: Path, command: str, env: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Run `up`, `stack` or `ingest` with its data in ``folder``; yields when it is ready."""
    port = free_port()
    with running_service(folder, command, "--port", str(port), env=env) as running:
        yield wait_until_ready(running, folder, port)


@contextlib.contextmanager
def installation(
    command: str, env: Mapping[str, str] | None = None, fill: Callable[[Path], None] = lambda _: None
) -> Iterator[Service]:
    """Run `up` or `stack` with a new data folder that ``fill`` has prepared; yields when it is ready."""
    with temporary_folder() as folder:
        fill(folder)
        with http_service(folder, command, env) as service:
            yield service


@contextlib.contextmanager
def store_server(folder: Path) -> Iterator[str]:
    """Run a store server with a new store in ``folder``; yields its URL when it is ready."""
    port, data = free_port(), Path(tempfile.mkdtemp(dir=folder))
    url = f"clickhouse://bench:{secrets.token_urlsafe(16)}@{HOST}:{port}"
    with running_service(data, "store-server", "--port", str(port), env={"STORE_URL": url}) as server:
        wait_until(lambda: answers_200(HOST, port, "/ping"), server, data)
        yield url


def wait_until_ready(running: Process, folder: Path, port: int) -> Service:
    """Wait until an HTTP service is ready, and issue a token for each org. Raises `RuntimeError`."""
    wait_until(lambda: answers_200(HOST, port, "/readyz"), running, folder)
    key, now = token_key(folder / "secrets"), time.time()
    tokens = {org: issue_token(key, "bench", org, "admin", TTL_S, now) for org in ORGS}
    return Service(running, folder, Target(HOST, port, tokens))


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

    Raises `multiprocessing.TimeoutError` after half an hour.
    """
    with get_context("spawn").Pool(1) as pool:
        return pool.apply_async(work, arguments).get(WORK_S)


def open_store(store_url: str, generation: str = FIRST_GENERATION) -> Client:
    """Return a client of a generation."""
    store = parse_store_url(store_url)
    return clickhouse_connect.get_client(**store.at(store.database(generation)))
