"""How long does an agent wait for a hook, whatever the server does?"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from time import perf_counter

from crewkit_hook import settings as client_settings
from crewkit_hook import spool
from crewkit_hook.agent_settings import FILES, add
from crewkit_hook.settings import Settings
from crewkit_hook.status import status

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import HOST, temporary_folder
from runtime.services.ports import free_port
from tests.support.fakes.messages_api import messages_api, text, tool_use  # the model on which `make clients` runs

HOOKS, MARK_MS = 50, 30
ROUNDS, TOOLS = 7, 16
SLOW_S = 60.0
AGENT = "claude-code"
NONE = "no hooks"
PAYLOAD = {
    "session_id": "bench",
    "hook_event_name": "PostToolUse",
    "tool_name": "Read",
    "tool_input": {"file_path": "stone.py"},
    "tool_response": {"content": "x" * 4_000},
}
TAKEN = json.dumps({"data": {"accepted": 1, "rejected": []}}).encode()


class _Takes(BaseHTTPRequestHandler):
    """Takes every batch."""

    status, pause_s = 202, 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.pause_s)
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(TAKEN)))
        self.end_headers()
        self.wfile.write(TAKEN)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Slow(_Takes):
    pause_s = SLOW_S


class _Fails(_Takes):
    status = 500


class _Refuses(_Takes):
    status = 401


@contextmanager
def _served(handler: type[_Takes]) -> Iterator[str]:
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _away() -> Iterator[str]:
    yield f"http://{HOST}:{free_port()}"


SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "takes them": lambda: _served(_Takes),
    "is away": _away,
    "takes a minute": lambda: _served(_Slow),
    "fails": lambda: _served(_Fails),
    "refuses": lambda: _served(_Refuses),
}


@contextmanager
def _connected(server: Callable[[], AbstractContextManager[str]]) -> Iterator[Path]:
    """Make a hook client's folder, connected to a server. Its sender is ended behind it."""
    with temporary_folder() as home, server() as url:
        spool.make(str(home))
        client_settings.save(str(home), Settings(url, "acme", "a.b.c"))
        try:
            yield home
        finally:
            if pid := spool.sender(str(home)):
                os.kill(pid, signal.SIGTERM)


def _measure_hook(report: Report) -> list[Figure]:
    """Time the command as an agent runs it: 50 times for each server, in turns."""
    with ExitStack() as stack:
        homes = {state: stack.enter_context(_connected(server)) for state, server in SERVERS.items()}
        times_ms: dict[str, list[float]] = {state: [] for state in homes}
        for number in range(HOOKS):
            report(f"{number} of {HOOKS} hooks")
            for state, home in homes.items():
                times_ms[state].append(_hook_ms(home))
    return [figure for state, times in times_ms.items() for figure in _figures(state, times)]


def _hook_ms(home: Path) -> float:
    environment = {**os.environ, spool.HOME_VARIABLE: str(home)}
    command = ["/bin/sh", "-c", FILES[AGENT].command()]
    began = perf_counter()
    subprocess.run(command, env=environment, input=json.dumps(PAYLOAD).encode(), check=True)
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
            add(FILES[AGENT], folder)
            environment[spool.HOME_VARIABLE] = str(home)
        program = Path(os.environ["AGENTS"], "node_modules", ".bin", "claude")
        began = perf_counter()
        subprocess.run([program, "-p", "Read"], cwd=folder, env=environment, capture_output=True, check=True)
        return perf_counter() - began


QUESTIONS = (
    BenchQuestion("hook_cost", "what an agent waits for a hook, in each state of the server", _measure_hook),
    BenchQuestion(
        "hook_cost_agent", "what a hook adds to a run of Claude Code (AGENTS: see `make clients`)", _measure_agent, True
    ),
)
