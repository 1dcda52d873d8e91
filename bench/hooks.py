"""How long does an agent wait for a hook, depending on what the server does?"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter

from crewkit_hook import program, spool
from crewkit_hook import settings as client_settings
from crewkit_hook.settings import Settings

from bench.question import BenchQuestion, Figure, Report, figure, in_turns
from bench.services import HOST, temporary_folder
from runtime.services.ports import free_port

HOOKS, MARK_MS = 50, 30
AWAY = "is down"
# Status and pause in seconds, by what the server does.
SERVERS = {"accepts": (202, 0), AWAY: (0, 0), "takes a minute": (202, 60), "fails": (500, 0), "refuses": (401, 0)}
AGENT = "claude-code"
PAYLOAD = json.dumps(
    {
        "session_id": "bench",
        "hook_event_name": "PostToolUse",
        "tool_name": "Read",
        "tool_input": {"file_path": "stone.py"},
        "tool_response": {"content": "x" * 4_000},
    }
).encode()
ACCEPTED = json.dumps({"data": {"accepted": 1, "rejected": []}}).encode()


@contextmanager
def _server(status: int, pause_s: int) -> Iterator[str]:
    """Run a server that answers every batch with ``status`` after a pause; yields its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(pause_s)
            self.send_response(status)
            self.send_header("Content-Length", str(len(ACCEPTED)))
            self.end_headers()
            self.wfile.write(ACCEPTED)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer((HOST, 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _connected(state: str) -> Iterator[Path]:
    """Create a hook client's folder, connected to a server in this state. Its sender is stopped at the end."""
    with ExitStack() as stack:
        home = stack.enter_context(temporary_folder())
        url = f"http://{HOST}:{free_port()}" if state == AWAY else stack.enter_context(_server(*SERVERS[state]))
        spool.make(str(home))
        client_settings.save(str(home), Settings(url, "acme", "a.b.c"))
        try:
            yield home
        finally:
            if pid := spool.sender(str(home)):
                os.kill(pid, signal.SIGTERM)


def _measure(report: Report) -> list[Figure]:
    """Time the command as an agent runs it: 50 times for each server, in turns."""
    with ExitStack() as stack:
        sides = {state: partial(_hook_ms, stack.enter_context(_connected(state))) for state in SERVERS}
        times_ms = in_turns(sides, report, HOOKS)
    return [figure(f"hook_cost, the server {state}", times, "ms", at_most=MARK_MS) for state, times in times_ms.items()]


def _hook_ms(home: Path) -> float:
    environment = {**os.environ, spool.HOME_VARIABLE: str(home)}
    command = ["/bin/sh", "-c", program.here().command(AGENT)]
    began = perf_counter()
    subprocess.run(command, env=environment, input=PAYLOAD, check=True)
    return (perf_counter() - began) * 1e3


QUESTIONS = (BenchQuestion("hook_cost", "what an agent waits for a hook, in each state of the server", _measure),)
