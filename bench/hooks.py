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
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.hook_files import add
from crewkit_hook.settings import Settings

from bench.figures import Figure, figure
from bench.harness import BenchQuestion, Report
from bench.rounds import in_turns
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


def _figures(state: str, times_ms: Sequence[float]) -> list[Figure]:
    return [
        at_most(f"hook_cost, the server {state}: median", median(times_ms), "ms", MARK_MS),
        without_mark(f"hook_cost, the server {state}: slowest", max(times_ms), "ms"),
    ]


def _measure_agent(report: Report) -> list[Figure]:
    """Time Claude Code over the same turns with hooks and without, in turns; its hooks share the difference."""
    times_s: dict[str, list[float]] = {state: [] for state in (NONE, *SERVERS)}
    with ExitStack() as stack:
        homes = {state: stack.enter_context(_connected(server)) for state, server in SERVERS.items()}
        for number in range(ROUNDS):
            for state, times in times_s.items():
                report(f"round {number + 1} of {ROUNDS}: {state}")
                times.append(_agent_s(homes.get(state)))
        hooks = status(str(homes["is away"]))["waiting"] / ROUNDS
    none_s = median(times_s.pop(NONE))
    added_ms = {state: (median(times) - none_s) * 1e3 / hooks for state, times in times_s.items()}
    return [
        without_mark("hook_cost_agent, without hooks", none_s, "s"),
        without_mark("hook_cost_agent, hooks of a run", hooks, "hooks"),
        *(at_most(f"hook_cost_agent, the server {state}", ms, "ms a hook", MARK_MS) for state, ms in added_ms.items()),
    ]


def _agent_s(home: Path | None) -> float:
    """Run Claude Code once; with hooks into a folder, if there is one."""
    turns = [[tool_use("Read", f"toolu_{number}", file_path="stone.py")] for number in range(TOOLS)]
    with temporary_folder() as folder, messages_api(*turns, [text("Done.")]) as (model, _):
        (folder / "stone.py").write_text("turn = True\n")
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DISABLE_AUTOUPDATER": "1"}
        environment |= {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "dummy"}
        if home is not None:
            add(AGENTS[AGENT], folder, program.here())
            environment[spool.HOME_VARIABLE] = str(home)
        claude = Path(os.environ["AGENTS"], "node_modules", ".bin", "claude")
        began = perf_counter()
        subprocess.run([claude, "-p", "Read"], cwd=folder, env=environment, capture_output=True, check=True)
        return perf_counter() - began


QUESTIONS = (
    BenchQuestion("hook_cost", "what an agent waits for a hook, in each state of the server", _measure_hook),
    BenchQuestion(
        "hook_cost_agent", "what a hook adds to a run of Claude Code (AGENTS: see `make clients`)", _measure_agent, True
    ),
)
