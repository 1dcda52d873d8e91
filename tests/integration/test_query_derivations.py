"""Digests and analyses that are not made yet: a projector stopped between the facts and their derivations."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.connect import WRITE, connect
from tests.support.builders import compaction_requested, created, ended, hook, recorded
from tests.support.rigs.projection import Crash, CrashingWarehouse, new_pipeline
from tests.support.rigs.store import Options
from tests.support.rigs.whole_service import WholeService, new_whole_service

BEFORE_DERIVATIONS = 3  # writes: events, sessions, tasks


@pytest.fixture
def service(engine: Options, tmp_path: Path) -> Iterator[WholeService]:
    """Provide an empty service."""
    yield from new_whole_service(engine, tmp_path)


async def _stop_before_derivations(service: WholeService) -> None:
    store = service.store
    options = store.address.at(store.database)
    warehouse = CrashingWarehouse(lambda: connect(WRITE, **options), store.address.control, "g1")
    warehouse.crash_at(BEFORE_DERIVATIONS, after=False)
    with contextlib.suppress(Crash):
        pipeline = new_pipeline(store, service.log.records, warehouse=warehouse)
        await pipeline.project(service.log.records)
        await pipeline.drain()


def test_what_is_asked_for_is_queued_until_it_is_made(service: WholeService) -> None:
    """An empty digest is listed and the analysis is queued; both are done when the projector continues."""
    session = service.session_id("acme")
    service.log.add(
        created(session),
        recorded(session, hook("UserPromptSubmit", prompt="Go"), hook("TaskCreated", task_id="1")),
        compaction_requested(session),
        ended(session),
    )

    async def read(what: str) -> Any:
        path = f"/api/v1/acme/sessions/{session}/{what}"
        return (await service.ask("GET", path, role="owner", org="acme", user="alice")).json()["data"]

    async def play() -> list[Any]:
        await _stop_before_derivations(service)
        queued = [await read("compactions"), await read("analysis")]
        await service.project()
        return [*queued, await read("compactions"), await read("analysis")]

    digests, analysis, digests_made, analysis_made = asyncio.run(play())

    assert [(item["status"], item["covered_events"], item["digest"]) for item in digests] == [("queued", None, None)]
    assert analysis == {"status": "queued", "findings": None}
    assert [(item["status"], item["covered_events"]) for item in digests_made] == [("done", 2)]
    assert digests_made[0]["compaction_id"] == digests[0]["compaction_id"]
    assert analysis_made["status"] == "done"
