"""How fast does a replay rebuild everything, and does it disturb the live generation?

The mark is the rate of the projector alone over as many events, measured in the same run on the same machine.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from bench.end_to_end import probe, send_until_visible
from bench.projector import measure_chdb, measure_store_server, read_receipts
from bench.question import BenchQuestion, Figure, Report, figure, percentile
from bench.services import http_service, in_own_process, installation, temporary_folder, wait_until
from cli.find_installation import open_installation
from cli.jobs import PATH, create_job
from runtime.settings.stack_folder import stack_store_url

NEW = "g2"
EVENTS = 2_000_000
OF_PROJECTOR = 0.95
NO_AUDITS = {"AUDIT_EVERY_S": "0"}  # they recount the last hours every minute, and here that is every event
LIMIT_S, LOOK_EVERY_S = 900.0, 2.0  # each look costs 30 ms of processor time
BESIDE_EVENTS, BESIDE_RATE = 1_000_000, 10_000
WRITES_A_SECOND, SECONDS = 5_000, 40
DELAY_MARK_S = 2.0


class Replay:
    """A replay of an installation into `NEW`, as an operator requests it."""

    def __init__(self, folder: Path, report: Report, rate: int | None = None) -> None:
        self._installation, self._report = open_installation(folder), report
        self._id = create_job(self._installation, "replay", NEW, rate=rate)["id"]

    def look(self) -> dict[str, Any]:
        """Return its state and progress. Raises `RuntimeError` if it has failed."""
        request: dict[str, Any] = self._installation.get(f"{PATH}/{self._id}")["data"]
        if request["state"] == "failed":
            raise RuntimeError(str(request))
        self._report(f"replay: {request['progress']}")
        return request

    def has_begun(self) -> bool:
        """Return whether a part of the log has been replayed."""
        return bool((self.look()["progress"] or {}).get("share"))


def _measure(command: str, projector: Callable[[Report, int, int], list[Figure]], report: Report) -> list[Figure]:
    """Measure the projector alone, then fill an installation and replay everything while the live one is idle."""
    alone = projector(lambda text: report(f"the projector alone: {text}"), EVENTS, 1)[0].value
    with temporary_folder() as folder:
        with http_service(folder, command, NO_AUDITS) as service:
            send_until_visible(service.target, EVENTS, report)
            begun = time.monotonic()
            replay = Replay(folder, report)
            wait_until(lambda: replay.look()["state"] == "done", service.process, folder, LIMIT_S, LOOK_EVERY_S)
            seconds = time.monotonic() - begun
            found = None
            if command == "stack":  # its store answers only while it runs; that of `up` only afterwards
                url = stack_store_url(folder)
                if url is None:
                    raise RuntimeError(f"there is no stack in {folder}")
                found = read_receipts(url, NEW)
        found = found or in_own_process(read_receipts, f"chdb://{folder / 'store'}", NEW)
    if found.events != EVENTS:
        raise RuntimeError(f"{EVENTS:,} events were sent, {NEW} holds {found}")
    name = f"replay_{command}"
    return [
        figure(f"{name} events/s", found.rate, "events/s", at_least=alone * OF_PROJECTOR),
        figure(f"{name} the projector alone", alone, "events/s"),
        figure(f"{name} from request to end", seconds, "s"),
        figure(f"{name} records a batch", found.records / found.batches, "records"),
    ]


def _measure_beside_writes(report: Report) -> list[Figure]:
    """Measure how long new events wait while a replay with a limited rate runs."""
    with installation("stack") as service:
        send_until_visible(service.target, BESIDE_EVENTS, report)
        replay = Replay(service.folder, report, BESIDE_RATE)
        wait_until(replay.has_begun, service.process, service.folder, LIMIT_S, 0.2)
        found = uvloop.run(
            probe(service.target, lambda text: report(f"beside a replay: {text}"), WRITES_A_SECOND, SECONDS)
        )
        request = replay.look()
        if request["state"] == "done":
            raise RuntimeError("the replay ended before the writes did: measure with more events")
    name, waits = "replay_beside_writes", [seconds for of_read in found.visible.values() for seconds in of_read]
    return [
        figure(f"{name} longest wait", max(waits), "s", at_most=DELAY_MARK_S),
        figure(f"{name} p95 of a wait", percentile(waits, 0.95), "s"),
        figure(f"{name} p99 of a request", percentile(found.requests, 0.99) * 1e3, "ms"),
        figure(f"{name} share done", request["progress"]["share"], "of the log"),
    ]


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
        "`stack`: 5,000 new events a second during a replay limited to 10,000 a second",
        _measure_beside_writes,
        only_by_name=True,
    ),
)
