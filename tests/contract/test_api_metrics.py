"""``/metrics``: requests and events of the write side, batches and lag of a projector."""

import asyncio
import re
from collections.abc import Iterable
from importlib.metadata import version

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ingest.body import Bodies
from processors.flow.observer import Observers
from processors.fold.fold import FOLD_VERSION
from processors.marks.progress import Progress
from processors.metrics import Parts, ProjectorMetrics
from processors.runners.watchdog import Watchdog
from runtime.services.metrics import metrics_served, new_registry
from runtime.services.ports import free_port
from runtime.settings.settings import Settings
from schemas.log.position import Position
from store.broken import Broken
from tests.support.builders import LogBuilder
from tests.support.corpora.canaries import fill
from tests.support.pages import PAGES
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TestStore
from tests.support.rigs.write_api import EVENT, WriteApi, a_session, events_path
from tests.support.strategies import one_event

METRICS = PAGES["docs/operations.md"]
UP_AND_AWAY = {"store": 0, "log": 1}
TOKEN = f"ghp_{fill(36)}"
TOO_LATE = {**EVENT, "timestamp": "2199-01-01T00:00:00Z"}


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return every value except buckets, by name and label values in alphabetical order of the labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


def undocumented(found: Iterable[tuple[str, ...]]) -> set[str]:
    """Return our metrics that the table in docs/operations.md does not name."""
    names = {re.sub(r"_(bucket|sum|count)$", "", name[0]) for name in found if name[0].startswith("crewkit_")}
    rows = re.findall(r"^\| (`crewkit_.+?) \|", METRICS, re.MULTILINE)
    shown = {name for row in rows for name in re.findall(r"crewkit_[a-z_]+", row)}
    return names - shown


async def scraped(api: WriteApi) -> dict[tuple[str, ...], float]:
    """Return the current metrics of the service, requested without a token."""
    reply = await api.client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(reply.text)


async def test_requests_are_counted_by_route_and_not_by_id(api: WriteApi) -> None:
    """Two sessions make one series; all unknown paths and methods share one."""
    for _ in range(2):
        await api.send("POST", events_path(a_session()), {"events": [EVENT]})
    await api.client.get("/nowhere/1")
    await api.client.request("BREW", "/nowhere/2")

    found = await scraped(api)

    route = "/api/v1/{org_id}/observability/sessions/{session_id}/events"
    assert found["crewkit_http_requests_total", "POST", route, "202"] == 2
    assert found["crewkit_http_request_duration_seconds_count", "POST", route] == 2
    assert found["crewkit_http_requests_total", "GET", "unknown", "404"] == 1
    assert found["crewkit_http_requests_total", "other", "unknown", "404"] == 1
    assert undocumented(found) == set()


async def test_events_are_counted_by_what_became_of_them(api: WriteApi) -> None:
    """Accepted events, refusals by reason, events per request, and appends with time and size are counted."""
    session = a_session()
    await api.send("POST", events_path(session), {"events": [EVENT, TOO_LATE, {"event_type": "x"}]})
    await api.send("POST", events_path(session), {"events": [TOO_LATE]})

    found = await scraped(api)

    assert found["crewkit_ingest_events_accepted_total",] == 1
    assert found["crewkit_ingest_events_rejected_total", "timestamp_out_of_range"] == 2
    assert found["crewkit_ingest_events_rejected_total", "invalid_event"] == 1
    assert (found["crewkit_ingest_request_events_sum",], found["crewkit_ingest_request_events_count",]) == (4, 2)
    assert found["crewkit_ingest_append_duration_seconds_count",] == 1
    assert found["crewkit_ingest_record_bytes_sum",] > 100


async def test_what_is_cut_out_is_counted_by_rule(api: WriteApi) -> None:
    """Redactions are counted in every text of every write request."""
    session = (await api.create(title=TOKEN))["id"]
    event = {**EVENT, "data": {"a": TOKEN, "b": "https://bob:canary@example.com"}}
    await api.send("POST", events_path(session), {"events": [event]})
    await api.send("PATCH", f"/sessions/{session}", {"summary": TOKEN, "model_metrics": {"model": TOKEN}})
    await api.send("POST", f"/sessions/{session}/compact", {"instructions": TOKEN})
    await api.send("POST", f"/sessions/{session}/end", {"summary": TOKEN})

    found = await scraped(api)

    assert found["crewkit_ingest_redactions_total", "github_token"] == 6
    assert found["crewkit_ingest_redactions_total", "url_credentials"] == 1


async def test_an_append_that_fails_is_counted_as_such(api: WriteApi) -> None:
    """The client receives 503; the append counts as failed and has no duration."""
    api.log.unavailable = True

    reply = await api.send("POST", "/sessions", {})

    found = await scraped(api)
    assert (reply.status_code, found["crewkit_ingest_append_failures_total",]) == (503, 1)
    assert found["crewkit_ingest_append_duration_seconds_count",] == 0


async def test_bytes_in_flight_and_replaced_producers_are_shown_with_the_limit(api: WriteApi) -> None:
    """Bytes waiting for the log and bytes of bodies are shown separately, since each has the limit."""
    at_rest = await scraped(api)
    api.log.bytes_in_flight, api.log.replacements = 7, 2

    found = await scraped(api)

    assert at_rest["crewkit_ingest_in_flight_bytes", "bodies"] == at_rest["crewkit_ingest_in_flight_bytes", "log"] == 0
    assert found["crewkit_ingest_in_flight_bytes", "log"] == 7
    assert found["crewkit_ingest_in_flight_bytes_max",] == Bodies().bytes_max
    assert found["crewkit_ingest_producer_replacements_total",] == 2
    assert undocumented(found) == set()


async def test_a_body_counts_as_in_flight_until_its_response(api: WriteApi) -> None:
    """The fake log answers only after the test has seen the bytes."""
    slow = SlowLog(api)
    sending = asyncio.ensure_future(api.send("POST", events_path(a_session()), {"events": [EVENT]}))
    await slow.asked.wait()
    held = await scraped(api)
    slow.may_go_on.set()
    await sending

    assert held["crewkit_ingest_in_flight_bytes", "bodies"] > 50
    assert (await scraped(api))["crewkit_ingest_in_flight_bytes", "bodies"] == 0


class SlowLog:
    """Makes a write side's log answer when the test says so."""

    def __init__(self, api: WriteApi) -> None:
        self._append = api.log.append
        self.asked, self.may_go_on = asyncio.Event(), asyncio.Event()
        api.log.append = self.append  # type: ignore[method-assign]

    async def append(self, key: bytes, value: bytes) -> Position:
        self.asked.set()
        await self.may_go_on.wait()
        return await self._append(key, value)


async def test_a_projector_tells_of_batches_steps_dead_letters_and_lag(store: TestStore) -> None:
    """The log has one good record, one unreadable record, and one that is still waiting."""
    registry = CollectorRegistry()
    builder = LogBuilder(store.partitions)
    (good,) = builder.add(one_event(0))
    builder.add_bytes(b"garbage", good.key)
    builder.add(one_event(1))
    log = builder.records
    observers = Observers()
    pipeline = new_pipeline(store, log, observers=observers)
    clock = [5_000]
    progress = Progress(pipeline, store.warehouse(), pipeline._gaps._reader, lambda: clock[0])
    now = [0.0]
    watchdog = Watchdog(progress.places, pipeline.pace, clock=lambda: now[0])
    parts = Parts(store.warehouse())
    metrics = ProjectorMetrics(registry, "g2", pipeline, progress, watchdog, parts)
    metrics.follow_group(lambda: (3, 7))
    metrics.follow_erasures(lambda: (90.0, 2))
    pipeline.is_live = True
    observers.add(watchdog, metrics, progress)
    await (await pipeline.project(log[:2]))
    await settle(pipeline)
    await progress.look()
    await parts.look()
    watchdog.check()
    now[0] = 4.0
    pipeline.calls.store.failed("a call")
    pipeline.calls.log.failed("a call")
    pipeline.calls.log.ended("a call")

    found = samples(generate_latest(registry).decode())

    partition = str(good.partition)
    assert (found["crewkit_projector_batch_records_sum", "g2"], found["crewkit_projector_facts_total", "g2"]) == (2, 1)
    dead = {name[2]: value for name, value in found.items() if name[0] == "crewkit_projector_dead_letters_total"}
    assert dead == {"empty": 0, "unreadable": 1, "unknown_version": 0, "misplaced": 0, "out_of_range": 0}
    assert found["crewkit_projector_lag_records", "g2", partition] == 1
    assert found["crewkit_projector_rollup_lag_records", "g2", partition] == 1
    assert ("crewkit_projector_lag_seconds", "g2", partition) not in found  # it never had any lag
    steps = {name[2] for name in found if name[0] == "crewkit_projector_step_duration_seconds_count"}
    assert {"fold", "facts", "dead_letters", "sessions", "receipts", "search", "rollups", "rollup_progress"} <= steps

    assert found["crewkit_projector_log_partitions", "g2"] == 4
    assert found["crewkit_projector_unmoved_seconds", "g2", partition] == 4
    assert {name[2]: value for name, value in found.items() if name[0] == "crewkit_projector_target_up"} == UP_AND_AWAY
    assert [found["crewkit_projector_retries_total", "g2", target] for target in ("store", "log")] == [1, 1]
    assert found["crewkit_projector_rebalances_total", "g2"] == 3
    assert found["crewkit_projector_group_generation", "g2"] == 7
    assert [found["crewkit_projector_table_parts", "g2", table] for table in ("facts", "receipts")] == [1, 1]
    assert found["crewkit_projector_table_bytes", "g2", "facts"] > 100
    assert found["crewkit_projector_erasure_uncertified_seconds", "g2"] == 90
    assert found["crewkit_projector_erased_found_partitions", "g2"] == 2
    assert found["crewkit_projector_generation_live", "g2"] == 1
    assert found["crewkit_projector_generation_paused", "g2"] == 0
    assert undocumented(found) == set()

    await (await pipeline.project(log[2:]))
    await progress.look()
    watchdog.check()
    clock[0] = 7_500
    pipeline.gate.is_paused = True
    pipeline.is_live = False

    caught_up = samples(generate_latest(registry).decode())
    assert caught_up["crewkit_projector_lag_records", "g2", partition] == 0
    assert caught_up["crewkit_projector_lag_seconds", "g2", partition] == 2.5
    assert caught_up["crewkit_projector_unmoved_seconds", "g2", partition] == 0
    assert caught_up["crewkit_projector_generation_live", "g2"] == 0
    assert caught_up["crewkit_projector_generation_paused", "g2"] == 1


def test_a_process_without_http_answers_on_a_port_of_its_own() -> None:
    """It answers only while it runs; port 0 disables it; a taken port is reported in one sentence."""
    settings = Settings(metrics_port=free_port())
    url = f"http://127.0.0.1:{settings.metrics_port}/metrics"

    with metrics_served(settings, new_registry()):
        found = samples(httpx.get(url, trust_env=False).text)
        with pytest.raises(Broken, match="metrics_port"), metrics_served(settings, new_registry()):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with metrics_served(Settings(), new_registry()):
        pass

    assert found["process_resident_memory_bytes",] > 1 << 20
    assert found["crewkit_build_info", str(FOLD_VERSION), version("crewkit-sessions")] == 1


def test_a_projector_says_whether_it_lives_and_what_is_away() -> None:
    """Health is on the metrics port, where no other path exists."""
    settings, parts = Settings(metrics_port=free_port()), {"log": True, "store": True}

    def ask(path: str) -> tuple[int, object]:
        reply = httpx.get(f"http://127.0.0.1:{settings.metrics_port}{path}", trust_env=False)
        return reply.status_code, reply.json()

    with metrics_served(settings, new_registry(), lambda: parts):
        assert ask("/livez") == (200, {"status": "ok"})
        assert ask("/readyz") == (200, {"status": "ok", "log": "ok", "store": "ok"})
        parts["store"] = False
        assert ask("/readyz") == (503, {"status": "not_ready", "log": "ok", "store": "is away"})
        assert ask("/livez") == (200, {"status": "ok"})
        assert ask("/")[0] == ask("/metrics/")[0] == 404
