"""The parts of the embedded default, and how they start and stop together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from threading import Event

from prometheus_client import CollectorRegistry

from edge.sign_in_codes import SignInCodes
from edge.starting import Front
from generations.control import Control
from generations.jobs.table import Job
from generations.provisioned_jobs import left_to_do
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.privacy.redaction import compile_rules
from prices.log import PriceLog
from prices.price_list import list_prices
from processors.flow.observer import Observer
from query_api.freshness import Freshness
from runtime.operations.price_log import ServedPriceLog, SqlitePriceLog
from runtime.operations.provision_store import EMBEDDED_PARTITIONS, provision_store
from runtime.services.followers import Followers
from runtime.services.http_services import open_readers, service
from runtime.services.metrics import new_registry
from runtime.services.rule_cache import user_cache
from runtime.services.tuning import release_memory, tune_interpreter
from runtime.settings.http_settings import check_http
from runtime.settings.log_url import embedded_log
from runtime.settings.secrets import own_secrets
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from store.client_errors import classified
from store.connect import PLAIN, connect
from store.generations import KnownGeneration
from store.installation_record import record_in_store
from store.reading.reader import open_reader

POLL_S = 1.0  # only for what no projector in this process reports, such as a switch


@asynccontextmanager
async def running(settings: Settings, front: Front, stopping: asyncio.Event, codes: SignInCodes) -> AsyncIterator[None]:
    """Start all parts, serve them through ``front``, and stop them at the end. If one fails, ``stopping`` is set.

    Raises `Broken` if the contents of the folder don't match, and `BadSettings`.
    """
    check_http(settings)
    store, registry = store_address(settings), new_registry()
    log = SqliteEventLog(embedded_log(settings), bytes_max=settings.in_flight_bytes_max)
    async with AsyncExitStack() as ending:
        if store.is_embedded:
            # Hold a client: when the last one closes, so does the engine, and the next client loads all tables again.
            with classified():
                held = await asyncio.to_thread(connect, PLAIN, **store.at("default"))
            ending.callback(held.close)
        at_once = Event()
        at_once.set()  # a drop is completed while requests are served, so that the start needn't wait
        prices = SqlitePriceLog(embedded_log(settings))
        provisioning = asyncio.ensure_future(asyncio.to_thread(_provision, settings, prices, at_once))
        await asyncio.to_thread(compile_rules, user_cache())
        reader, probe = open_readers(settings, registry)
        freshness = Freshness(reader, poll_s=POLL_S)
        app = service(settings, log, reader, registry, probe, freshness, codes)  # while a thread provisions
        await provisioning
        await log.start()
        ending.push_async_callback(log.stop)
        await _follow(settings, log, registry, stopping, ending, Telling(freshness))
        await ending.enter_async_context(front.showing(app))
        tune_interpreter()
        yield


async def _follow(
    settings: Settings,
    log: SqliteEventLog,
    registry: CollectorRegistry,
    stopping: asyncio.Event,
    ending: AsyncExitStack,
    telling: Observer,
) -> None:
    """Project every generation and do jobs until ``ending``."""
    reader = open_reader(store_address(settings))
    ending.callback(reader.close)
    followers, provisioning = Followers(settings, log, reader, telling), Provisioning(settings, log)
    registry.register(followers)
    control = Control(reader, provisioning, followers)
    await control.look()
    controlling = asyncio.ensure_future(control.run())
    controlling.add_done_callback(lambda _: stopping.set())
    ending.push_async_callback(_end, controlling, followers)
    ending.callback(provisioning.stop)


async def _end(controlling: "asyncio.Future[None]", followers: Followers) -> None:
    """Let the writes in progress finish; the rest is projected at the next start."""
    if controlling.done():
        controlling.result()  # raises, since it ends only with an error
    controlling.cancel()
    await asyncio.wait({controlling})
    await followers.stop()


class Telling(Observer):
    """Tells requests that wait for a position that more may be visible."""

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness

    def marks_written(self) -> None:
        self._freshness.look_again()


class Provisioning:
    """A `Subscriber` that creates and drops generations, and loads prices, on request."""

    def __init__(self, settings: Settings, log: SqliteEventLog) -> None:
        self._settings, self._log = settings, ServedPriceLog(embedded_log(settings), log)
        self._running: asyncio.Task[None] | None = None
        self._stopping = Event()

    async def see(self, generations: Sequence[KnownGeneration], jobs: Sequence[Job]) -> None:
        """Start the jobs unless they are running; raise the error that ended it."""
        if self._running is not None and self._running.done():
            ended, self._running = self._running, None
            ended.result()
        if self._running is None and left_to_do(generations, jobs):
            self._running = asyncio.create_task(asyncio.to_thread(self._provision))

    def stop(self) -> None:
        """Stop waiting: a drop in progress is completed after the next start."""
        self._stopping.set()

    def _provision(self) -> None:
        _provision(self._settings, self._log, self._stopping)
        release_memory()  # by now the projector of a dropped generation has stopped


def _provision(settings: Settings, log: PriceLog, stopping: Event) -> None:
    store = store_address(settings)
    provision_store(store, EMBEDDED_PARTITIONS, list_prices(), log, stopping)
    record_in_store(store, EMBEDDED_PARTITIONS, own_secrets(settings.secrets_folder))
