"""How does `up` compare with Arize Phoenix, the nearest peer that one can install from PyPI?

The same events: to `up` as hook events, to Phoenix as OTLP spans over HTTP, a span an event. Both run on defaults with
a new folder and take turns, each until every event can be read. Phoenix stores them in SQLite, which is read directly
to see how many are there; that costs it nothing.
"""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from bench.baselines.environments import python_with
from bench.end_to_end import send_and_wait, visible_turn
from bench.harness import BenchQuestion, Figure, Report, of_rounds
from bench.http_client import HttpConnection, connect
from bench.load import UnexpectedResponse
from bench.otlp_spans import encode_spans
from bench.payloads import BATCH, make_scripts, place_in_script
from bench.population import draw_sessions, take_turns
from bench.rounds import Turn, compare, figures_of, in_turns
from bench.services import (
    HOST,
    cpu_s,
    disk_bytes,
    http_service,
    process,
    resident_mb,
    temporary_folder,
    wait_until,
)
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.http.requests import RecordEvents

PACKAGE = "arize-phoenix"
EVENTS = {"up": 100_000, "phoenix": 4_000}
WARM_UP_EVENTS = {"up": 20_000, "phoenix": 500}
CONNECTIONS = 4
WANTED = 1.0
LIMIT_S, START_S, POLL_S = 300.0, 180.0, 0.1
REPEATS_MAX = 600


class Stored(NamedTuple):
    """What one turn measured besides speed: bytes an event on disk, and memory in MB."""

    disk: float
    memory_mb: float


def _run_up(stored: list[Stored], report: Report) -> Turn:
    with temporary_folder() as folder, http_service(folder, "up") as (running, target):
        uvloop.run(send_and_wait(target, WARM_UP_EVENTS["up"], report))
        before = disk_bytes(folder)
        turn = visible_turn(target, EVENTS["up"], WARM_UP_EVENTS["up"], report).turn
        stored.append(Stored((disk_bytes(folder) - before) / EVENTS["up"], resident_mb(running.pid)))
        return turn


def _run_phoenix(python: Path, stored: list[Stored], report: Report) -> Turn:
    port, grpc_port = free_port(), free_port()
    with temporary_folder() as folder:
        env = {
            "PHOENIX_WORKING_DIR": str(folder / "data"),
            "PHOENIX_HOST": HOST,
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(grpc_port),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }
        with process([str(python.parent / "phoenix"), "serve"], folder / "phoenix.log", env) as running:
            wait_until(lambda: answers_200(HOST, port, "/healthz"), running, folder, START_S)
            database = folder / "data" / "phoenix.db"
            events = WARM_UP_EVENTS["phoenix"]
            uvloop.run(_send(port, events))
            _wait_until_stored(database, events, report)
            before, cpu, begun = disk_bytes(folder), cpu_s(running.pid), time.monotonic()
            uvloop.run(_send(port, EVENTS["phoenix"]))
            _wait_until_stored(database, events + EVENTS["phoenix"], report)
            seconds, used = time.monotonic() - begun, cpu_s(running.pid) - cpu
            stored.append(Stored((disk_bytes(folder) - before) / EVENTS["phoenix"], resident_mb(running.pid)))
    return Turn(EVENTS["phoenix"] / seconds, used / EVENTS["phoenix"] * 1e6)


async def _send(port: int, events: int) -> None:
    """Send spans, `BATCH` a request; a request that is refused is sent again."""
    bodies = _bodies(events)

    async def worker(connection: HttpConnection) -> None:
        for body in bodies:
            head = f"POST /v1/traces HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/x-protobuf\r\n"
            await _until_accepted(connection, f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(worker(await connect(HOST, port)))


async def _until_accepted(connection: HttpConnection, *parts: bytes) -> None:
    for _ in range(REPEATS_MAX):
        response = await connection.call(*parts)
        if response.status == 200:
            return
        if response.status not in (429, 503):
            raise UnexpectedResponse.of(response)
        await asyncio.sleep(POLL_S)
    raise UnexpectedResponse(f"refused {REPEATS_MAX} times")


def _bodies(events: int) -> Iterator[bytes]:
    scripts, sessions = make_scripts(), draw_sessions(events // BATCH, BATCH)
    traces = [uuid.uuid4().bytes for _ in sessions]
    for request in take_turns(sessions):
        script, place = place_in_script(request, len(scripts[0]))
        body = msgspec.json.decode(scripts[script][place], type=RecordEvents)
        yield encode_spans(sessions[request.session].org, traces[request.session], body.events)


def _wait_until_stored(database: Path, events: int, report: Report) -> None:
    deadline = time.monotonic() + LIMIT_S
    while (found := _count_spans(database)) < events:
        report(f"{found:,} of {events:,} spans are stored")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found:,} of {events:,} spans after {LIMIT_S:.0f} s")
        time.sleep(POLL_S)


def _count_spans(database: Path) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30.0)
    try:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])
    finally:
        connection.close()


def _measure(report: Report) -> list[Figure]:
    """Measure both in turns. Raises `NotInstallable`."""
    python = python_with(PACKAGE, report)
    stored: dict[str, list[Stored]] = {"up": [], "phoenix": []}
    sides: dict[str, Callable[[], Turn]] = {
        "up": partial(_run_up, stored["up"], report),
        "phoenix": partial(_run_phoenix, python, stored["phoenix"], report),
    }
    turns = in_turns(sides, report)
    figures = []
    for side, found in turns.items():
        figures += figures_of(f"peers {side}", found)
        figures.append(of_rounds(f"peers {side} disk", [each.disk for each in stored[side]], "B/event"))
        figures.append(of_rounds(f"peers {side} memory", [each.memory_mb for each in stored[side]], "MB"))
    return [*figures, *compare("up_vs_phoenix", turns["up"], turns["phoenix"], "Arize Phoenix", WANTED)]


QUESTIONS = (BenchQuestion("peers", "`up` and Arize Phoenix, until visible", _measure, only_by_name=True),)
