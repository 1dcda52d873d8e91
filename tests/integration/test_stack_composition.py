"""The production layout on a real broker starts in order, survives kills and stops cleanly; commands are stand-ins."""

import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import stack as stack_module
from devstack.generations import GenerationWatch
from devstack.kafka_jars import probe
from devstack.kafka_jars.jars import KafkaUnavailable
from devstack.stack import Stack, run_stack
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.supervised import Supervised, is_alive
from tests.support.waiting import eventually

SERVICES = ["kafka", "store-server", "keeper", "projector-0", "projector-1", "serve"]

# A package `cli` that is found before ours: it records each call, answers every GET, and provisions nothing.
STAND_IN = """
import http.server, os, sys

command, data, options = sys.argv[1], sys.argv[3], sys.argv[4:]
PORTS = {"store-server": "--port", "serve": "--port", "processors": "--metrics-port", "keeper": "--metrics-port"}
with open(f"{data}/calls", "a") as calls:
    calls.write(f"{command} {' '.join(options)} {os.environ['LOG_URL']} {os.environ['STORE_URL'].partition('@')[2]}\\n")

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"crewkit_projector_assigned_partitions 2.0\\n")

if command in PORTS:
    host, port = (options[options.index(name) + 1] for name in ("--host", PORTS[command]))
    http.server.ThreadingHTTPServer((host, int(port)), Answer).serve_forever()
"""
RUN_STACK = """
from devstack import generations
from devstack.stack import run_stack
generations.look = lambda store: generations.Wanted(("g1",), "g1")
sys.exit(run_stack(DATA, "127.0.0.1", {port}, report=report, on_ready=lambda: report("READY")))
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def running(tmp_path: Path, port: int) -> Iterator[Supervised]:
    """Run `run_stack` in another process."""
    need_jars()
    process = start(tmp_path, port)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait()


def start(folder: Path, port: int) -> Supervised:
    """Start the stack on `folder/data`, with the stand-in first on the path."""
    (folder / "path" / "cli").mkdir(parents=True, exist_ok=True)
    (folder / "path" / "cli" / "__init__.py").touch()
    (folder / "path" / "cli" / "__main__.py").write_text(STAND_IN)
    return Supervised(folder / "data", RUN_STACK.format(port=port), PYTHONPATH=str(folder / "path"))


@pytest.mark.kafka
def test_the_stack_starts_survives_and_stops(running: Supervised, tmp_path: Path, port: int) -> None:
    """One start shows the order, the addresses, a kill -9 of the broker, a clean stop, and the same ports again."""
    running.await_said("READY", within_s=90)
    pids = {name: running.pid(name) for name in SERVICES}
    stack = stack_module.Stack.on(running.data, "127.0.0.1", port)
    ports = stack.ports

    calls = eventually(lambda: len(lines := calls_noted(running.data)) == 6 and lines)
    addresses = f"kafka://127.0.0.1:{ports.kafka}/crewkit.sessions.v1 127.0.0.1:{ports.store}"
    assert [line.split()[0] for line in calls[:2]] == ["store-server", "provision"]
    assert calls[1] == f"provision --partitions 4 --replication 1 {addresses}"
    assert {line.partition(" kafka")[0] for line in calls[2:]} == {
        f"keeper --host 127.0.0.1 --metrics-port {ports.keeper}",
        f"processors --generation g1 --instance 0 --host 127.0.0.1 --metrics-port {ports.metrics['g1'][0]}",
        f"processors --generation g1 --instance 1 --host 127.0.0.1 --metrics-port {ports.metrics['g1'][1]}",
        f"serve --host 127.0.0.1 --port {port}",
    }
    assert all(f"http://127.0.0.1:{metrics}/metrics" in running.said() for metrics in ports.metrics["g1"])
    assert running.pid_files() == set(SERVICES)

    os.kill(pids["kafka"], signal.SIGKILL)
    running.await_new_pid("kafka", pids["kafka"])
    eventually(lambda: probe.serves("127.0.0.1", ports.kafka, stack.kafka.login), within_s=30)
    assert running.pid("serve") == pids["serve"], "the other services keep running"

    assert running.stop(within_s=20) == 0
    assert running.pid_files() == set()
    assert not any(map(is_alive, pids.values()))

    again = start(tmp_path, port)
    try:
        again.await_said("READY", within_s=90)
        assert all(line.endswith(addresses) for line in calls_noted(running.data))
        again.process.kill()
        left = [again.pid(name) for name in SERVICES]
        eventually(lambda: not any(map(is_alive, left)), within_s=20)
    finally:
        again.process.kill()
        again.process.wait()


def test_ports_and_password_are_made_once(tmp_path: Path) -> None:
    """A second call finds them; only its owner can read the password."""
    first = make_stack(tmp_path)

    assert make_stack(tmp_path) == first
    assert len({first.ports.kafka, first.ports.controller, first.ports.store}) == 3
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "store-password").stat().st_mode) == 0o600


def test_the_ports_are_written_to_no_other_place(tmp_path: Path) -> None:
    """A planted symbolic link is replaced."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stack.json").symlink_to(tmp_path / "elsewhere")

    make_stack(tmp_path)

    assert not (tmp_path / "elsewhere").exists()
    assert stat.S_IMODE((tmp_path / "run" / "stack.json").lstat().st_mode) == 0o600


def test_the_password_is_on_no_command_line_and_in_no_environment(tmp_path: Path) -> None:
    """Each process reads it from a file of the owner."""
    stack = make_stack(tmp_path)

    for env, password in ((stack.env, stack.store_password), (stack.reading_env, stack.reader_password)):
        assert Path(env["STORE_PASSWORD_FILE"]).read_text().strip() == password
        assert password not in " ".join(env.values())
        assert password not in " ".join(stack.ours("serve", "--port", "1"))


def test_a_command_runs_with_this_python_on_this_directory(tmp_path: Path) -> None:
    """Options follow `--data DIR`."""
    line = make_stack(tmp_path).ours("provision", "--partitions", "4")

    assert line == [sys.executable, "-P", "-m", "cli", "provision", "--data", str(tmp_path), "--partitions", "4"]


def test_no_kafka_is_said_and_ends_with_69(tmp_path: Path) -> None:
    """The message says what to install."""
    said: list[str] = []

    def no_java(_stack: Stack, _watch: GenerationWatch) -> list[stack_module.Step]:
        raise KafkaUnavailable("Kafka needs Java, and there is none: install Java 17")

    assert run_stack(tmp_path, "127.0.0.1", 1, report=said.append, compose=no_java) == 69
    assert said == ["Error: Kafka needs Java, and there is none: install Java 17"]


def test_a_closed_port_does_not_answer() -> None:
    """The readiness probe never raises."""
    assert not answers_200("::", free_port(), "/livez")


def calls_noted(data: Path) -> list[str]:
    """Return the calls of the stand-in, in order."""
    return (data / "calls").read_text().splitlines()


def make_stack(data: Path) -> Stack:
    """Make a stack whose directory exists, as below a supervisor."""
    (data / "run").mkdir(exist_ok=True)
    return Stack.on(data, "127.0.0.1", 8080)
