"""Run the embedded default: log, projector, store and both route sets in one process and one data folder."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import msgspec
import uvloop

from edge.outermost import App
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.privacy.redaction import compile_rules
from kernel.atomic_write import write_whole
from query_api.metrics import metered
from query_api.reader import open_probe, open_reader
from runtime.control import Control
from runtime.followers import Followers
from runtime.http_services import check_http, check_ports, serve, service, stop_on_signals
from runtime.log_url import SqliteAddress, parse_log_url
from runtime.metrics import new_registry
from runtime.price_log import SqlitePriceLog
from runtime.provision import EMBEDDED_PARTITIONS, provision_store
from runtime.provisioning_work import left_to_do
from runtime.rate_limit_settings import store_time
from runtime.rule_cache import user_cache
from runtime.run_folder import locked_folder, write_address
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import own_secrets
from runtime.settings import BadSettings, Settings
from runtime.store_url import store_address
from runtime.tuning import release_memory
from schemas.pricing.price_list import list_prices
from store.generations import KnownGeneration
from store.installation import record_in_store
from store.requests import Request

LISTENS_WITHIN_S = 0.1


def run_single_process(settings: Settings, on_ready: Callable[[], None]) -> int:
    """Serve until SIGTERM; return the exit code. ``on_ready`` is called once requests are accepted.

    Raises:
        Broken: what is in the folder does not fit; the message says what to do.
        BadSettings: a setting is wrong.
    """
    # Tokens signed on this machine grant access to its orgs.
    settings = msgspec.structs.replace(settings, dev_tokens=True)
    make_embedded_secrets(settings.secrets_folder, begun=_log_file(settings).exists())
    check_http(settings)
    pid = settings.folder / "run" / "up.pid"
    with locked_folder(settings.folder):
        write_whole(pid, f"{os.getpid()}\n")
        try:
            check_ports(settings)
            return uvloop.run(_run(settings, on_ready))
        finally:
            pid.unlink(missing_ok=True)


async def _run(settings: Settings, on_ready: Callable[[], None]) -> int:
    stopping = stop_on_signals()
    compiling = asyncio.ensure_future(asyncio.to_thread(compile_rules, user_cache()))
    await asyncio.to_thread(_provision, settings, _at_once())
    log = SqliteEventLog(_log_file(settings), bytes_max=settings.in_flight_bytes_max)
    await log.start()
    store, registry = store_address(settings), new_registry()
    reader = open_reader(store)
    followers = Followers(settings, log, reader)
    registry.register(followers)
    provisioning = Provisioning(settings)
    control = Control(reader, provisioning, followers)
    await control.look()
    asked = metered(open_reader(store, store_time=store_time(settings)), registry)
    await compiling
    app = service(settings, log, asked, registry, open_probe(store))
    controlling = asyncio.ensure_future(control.run())
    serving = asyncio.ensure_future(_serve(settings, app, stopping, on_ready))
    for part in (controlling, serving):
        part.add_done_callback(lambda _: stopping.set())
    await stopping.wait()
    await serving
    provisioning.stop()
    await _end(controlling, followers)
    reader.close()
    await log.stop()
    return 0


async def _serve(settings: Settings, app: App, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
    write_address(settings.folder, settings.host, settings.port)
    asyncio.get_running_loop().call_later(LISTENS_WITHIN_S, on_ready)
    await serve(app, settings, stopping)


async def _end(controlling: "asyncio.Future[None]", followers: Followers) -> None:
    """Let the writes in progress finish; the rest is projected at the next start."""
    if controlling.done():
        controlling.result()  # it ends only with an error, which is raised here
    controlling.cancel()
    await asyncio.wait({controlling})
    await followers.stop()


class Provisioning:
    """A `Subscriber` that creates and drops generations on request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: asyncio.Task[None] | None = None
        self._stopping = Event()

    async def see(self, generations: Sequence[KnownGeneration], requests: Sequence[Request]) -> None:
        """Begin what is requested, unless it is running; raise the error that ended it."""
        if self._running is not None and self._running.done():
            ended, self._running = self._running, None
            ended.result()
        if self._running is None and left_to_do(generations, requests):
            self._running = asyncio.create_task(asyncio.to_thread(_provision_requested, self._settings, self._stopping))

    def stop(self) -> None:
        """Wait for nothing any more: a drop is finished after the next start."""
        self._stopping.set()


def _at_once() -> Event:
    """Return an event with which the start waits for nothing: a drop is finished while requests are served."""
    event = Event()
    event.set()
    return event


def _provision(settings: Settings, stopping: Event) -> None:
    store = store_address(settings)
    log = SqlitePriceLog(_log_file(settings))
    provision_store(store, EMBEDDED_PARTITIONS, list_prices(), log, stopping)
    record_in_store(store, EMBEDDED_PARTITIONS, own_secrets(settings.secrets_folder))


def _provision_requested(settings: Settings, stopping: Event) -> None:
    _provision(settings, stopping)
    release_memory()  # the projector of a generation that was dropped has stopped by now


def _log_file(settings: Settings) -> Path:
    address = parse_log_url(settings.log)
    if not isinstance(address, SqliteAddress):
        raise BadSettings("log_url: `up` has its log in a file; with Kafka run ingest, query-api and processors")
    return address.path
