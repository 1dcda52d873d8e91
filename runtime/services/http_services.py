"""The HTTP services in production: the write side, the read side, or both in one process."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import uvloop
from prometheus_client import CollectorRegistry

from audit.watch import Audit, AuditMetrics
from edge.beside import beside
from edge.metrics import register_fault_gauges
from edge.outermost import App
from edge.sign_in_codes import SignInCodes
from ingest.log.port import EventLog
from ingest.privacy.policy import Privacy
from ingest.privacy.redaction import compile_rules
from query_api.freshness import Freshness
from query_api.metrics import metered
from runtime.services.composition import ReadSide, WriteSide, compose
from runtime.services.http_server import serve, stop_on_signals
from runtime.services.metrics import new_registry
from runtime.services.ports import check_ports
from runtime.services.rule_cache import user_cache
from runtime.services.run_folder import write_address
from runtime.services.store_checks import check_reading, compare_store
from runtime.settings.http_settings import check_tokens_open_orgs, create_rate_limits, load_credentials
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.secrets import id_secrets, own_secrets
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import store_address
from runtime.settings.tls import check_transport
from schemas.installation import OwnSecrets
from store.reading.fairness import StoreTime
from store.reading.reader import ClickHouseReader, Reader, open_probe, open_reader


def run_services(settings: Settings, sides: Sequence[str]) -> int:
    """Serve ``ingest``, ``query`` or both until SIGTERM; return the exit code.

    Raises `BadSettings`, and `Broken` or `BrokenLog` if the store or the log belongs to another installation.
    """
    check_tokens_open_orgs(settings)
    return uvloop.run(_run(settings, sides))


async def _run(settings: Settings, sides: Sequence[str]) -> int:
    stopping = stop_on_signals()
    check_ports(settings)
    own = own_secrets(settings.secrets_folder)
    log = kafka_log(settings, own) if "ingest" in sides else None
    registry = new_registry()
    reader, probe = open_readers(settings, registry) if "query" in sides else (None, None)
    app = service(settings, log, reader, registry, probe)
    async with AsyncExitStack() as ending:
        for asked in (reader, probe):
            if asked is not None:
                ending.callback(asked.close)
        if log is not None:
            ending.push_async_callback(log.stop)
            await log.start()  # before the port opens, so that a wrong topic ends the process with one sentence
        if reader is not None:
            await asyncio.to_thread(check_transport, store_address(settings))
            # If the store is unavailable, the service may start; this task compares the store later.
            if comparing := await compare_store(settings, own):
                ending.callback(comparing.cancel)
            await check_reading(reader)
        write_address(settings.folder, settings.host, settings.port)
        await serve(app, settings, stopping)
    return 0


def open_readers(settings: Settings, registry: CollectorRegistry) -> tuple[ClickHouseReader, ClickHouseReader]:
    """Return the reader for questions and the one for readiness."""
    store, limit = store_address(settings), StoreTime(settings.store_seconds_per_hour)
    return metered(open_reader(store, store_time=limit), registry), open_probe(store)


def kafka_log(settings: Settings, own: OwnSecrets) -> EventLog:
    """Return the Kafka log, which must belong to the installation that has these secrets. Raises `BadSettings`."""
    from ingest.log.kafka import InstalledTopic, KafkaEventLog  # imported here: the read side and `up` don't use Kafka
    from runtime.settings.kafka_settings import kafka_topic
    from runtime.settings.log_reader import kafka_reader

    address = parse_log_url(settings.log)
    if not isinstance(address, KafkaAddress):
        raise BadSettings("log_url: this service writes to Kafka; for the embedded default, run `crewkit-sessions up`")
    topic, find = kafka_topic(settings, address), InstalledTopic(own)
    make_reader = partial(kafka_reader, settings, secrets=own.fingerprint)
    return KafkaEventLog(topic, bytes_max=settings.in_flight_bytes_max, find=find, make_reader=make_reader)


def service(
    settings: Settings,
    log: EventLog | None,
    reader: Reader | None,
    registry: CollectorRegistry | None = None,
    probe: Reader | None = None,
    freshness: Freshness | None = None,
    codes: SignInCodes | None = None,
) -> App:
    """Return one ASGI app for the sides whose log or reader is given; ``/metrics`` also shows ``registry``.

    Readiness asks ``probe`` instead of ``reader``, so that it does not queue behind other questions. With ``codes``,
    there are sign-in links.
    """
    registry = registry or new_registry()
    secrets = id_secrets(settings.secrets_folder)
    verifier, files = load_credentials(settings)
    limits = create_rate_limits(settings)
    register_fault_gauges(registry, limits, files)
    lifespan = [beside(*(file.watch for file in files))]
    write = read = None
    if log is not None:
        compile_rules(user_cache())
        privacy = Privacy(settings.orgs_without_content)
        write = WriteSide(log, secrets, privacy=privacy, bytes_max=settings.in_flight_bytes_max)
    if reader is not None:
        most = settings.answer_cache_bytes_max
        read = ReadSide(reader, secrets, freshness=freshness, probe=probe, answer_bytes_max=most)
        seen = AuditMetrics(registry)
        audit = Audit(reader, settings.audit_every_s, seen.found, in_progress=seen.in_progress)
        lifespan.append(beside(audit.run))
    return compose(
        verifier,
        write,
        read,
        registry,
        lifespan,
        codes=codes,
        limits=limits,
        on_shutdown=[limits.counter.close],
        allowed_origins=settings.origins,
        separate_internal=settings.admin_address is not None,
        with_door=settings.write_door,
    )
