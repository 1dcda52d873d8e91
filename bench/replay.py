"""How fast does a replay rebuild everything, and does it disturb the live generation?

The mark is the rate of the projector alone over as many events, measured in the same run on the same machine.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvloop

from bench.end_to_end import probe, send_and_wait
from bench.harness import BenchQuestion, Figure, Report, at_least, at_most, without_mark
from bench.load import Target, percentile
from bench.projector import Receipts, measure_chdb, measure_store_server, read_receipts
from bench.services import http_service, in_own_process, temporary_folder
from cli.client import Installation
from cli.find_installation import InstallationOptions, open_installation
from cli.jobs import PATH, create_job
from runtime.settings.stack_folder import stack_store_url

NEW = "g2"
EVENTS = 2_000_000
OF_PROJECTOR = 0.95
NO_AUDITS = {"AUDIT_EVERY_S": "0"}  # every minute they would recount all these events, which are of the last hours
LIMIT_S, LOOK_EVERY_S = 900.0, 2.0  # each look costs 30 ms of processor time
BESIDE_EVENTS, BESIDE_RATE = 1_000_000, 10_000
WRITES_A_SECOND, SECONDS = 5_000, 40
LAG_MARK_S = 2.0


def _measure(command: str, projector: Callable[[Report, int, int], list[Figure]], report: Report) -> list[Figure]:
    """Measure the projector alone, then fill an installation and replay everything while the live one is idle."""
    alone = projector(lambda text: report(f"the projector alone: {text}"), EVENTS, 1)[0].value
    with temporary_folder() as folder:
        with http_service(folder, command, NO_AUDITS) as (_, target):
            uvloop.run(send_and_wait(target, EVENTS, report))
            seconds = _replay(folder, report)
            found = _receipts(folder) if command == "stack" else None
        found = found or in_own_process(read_receipts, f"chdb://{folder / 'store'}", NEW)
    if found.events != EVENTS:
        raise RuntimeError(f"{EVENTS:,} events were sent, {NEW} holds {found}")
    name = f"replay_{command}"
    return [
        at_least(f"{name} events/s", found.rate, "events/s", alone * OF_PROJECTOR),
        without_mark(f"{name} the projector alone", alone, "events/s"),
        without_mark(f"{name} from request to end", seconds, "s"),
        without_mark(f"{name} records a batch", found.records / found.batches, "records"),
    ]


def _measure_beside_writes(report: Report) -> list[Figure]:
    """Measure how long new events wait while a replay with a limited rate runs beside them."""
    with temporary_folder() as folder, http_service(folder, "stack") as (_, target):
        uvloop.run(send_and_wait(target, BESIDE_EVENTS, report))
        installation = _operator(folder)
        job = create_job(installation, "replay", NEW, rate=BESIDE_RATE)
        _wait_until_taken(installation, job["id"])
        delays, requests = uvloop.run(_probe(target, report))
        state = installation.get(f"{PATH}/{job['id']}")["data"]
        if state["state"] == "done":
            raise RuntimeError("the replay ended before the writes did: measure with more events")
    name = "replay_beside_writes"
    waits = [seconds for of_read in delays.values() for seconds in of_read]
    return [
        at_most(f"{name} longest wait", max(waits), "s", LAG_MARK_S),
        without_mark(f"{name} p95 of a wait", percentile(waits, 0.95), "s"),
        without_mark(f"{name} p99 of a request", percentile(requests, 0.99) * 1e3, "ms"),
        without_mark(f"{name} share done", state["progress"]["share"], "of the log"),
    ]


async def _probe(target: Target, report: Report) -> tuple[dict[str, list[float]], list[float]]:
    return await probe(target, lambda text: report(f"beside a replay: {text}"), WRITES_A_SECOND, SECONDS)


def _replay(folder: Path, report: Report) -> float:
    """Replay, and return the seconds that it took."""
    installation, begun = _operator(folder), time.monotonic()
    job = create_job(installation, "replay", NEW)
    while job["state"] not in ("done", "failed"):
        if time.monotonic() - begun > LIMIT_S:
            raise RuntimeError(f"not done after {LIMIT_S:.0f} s: {job}")
        time.sleep(LOOK_EVERY_S)
        job = installation.get(f"{PATH}/{job['id']}")["data"]
        report(f"replay: {job['progress']}")
    if job["state"] == "failed":
        raise RuntimeError(str(job))
    return time.monotonic() - begun


def _wait_until_taken(installation: Installation, job_id: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not (progress := installation.get(f"{PATH}/{job_id}")["data"]["progress"]) or not progress["share"]:
        if time.monotonic() > deadline:
            raise RuntimeError("the replay does not begin")
        time.sleep(0.2)


def _operator(folder: Path) -> Installation:
    return open_installation(InstallationOptions(folder, None, None))


def _receipts(folder: Path) -> Receipts:
    url = stack_store_url(folder)
    if url is None:
        raise RuntimeError(f"there is no stack in {folder}")
    return read_receipts(url, NEW)


QUESTIONS = (
    BenchQuestion(
        "replay_up",
        "`up`: 2,000,000 events again, beside an idle live generation",
        partial(_measure, "up", measure_chdb),
        only_by_name=True,
    ),
    BenchQuestion(
        "replay_stack",
        "`stack`: the same with two workers of each generation",
        partial(_measure, "stack", measure_store_server),
        only_by_name=True,
    ),
    BenchQuestion(
        "replay_beside_writes",
        "`stack`: 5,000 new events a second beside a replay of 10,000",
        _measure_beside_writes,
        only_by_name=True,
    ),
)
