"""The audit as a process: it checks the store at intervals and serves its findings as metrics."""

import asyncio
from contextlib import closing

import uvloop

from audit.watch import Audit, AuditMetrics
from edge.service import health_app
from query_api.app import store_readiness
from runtime.services.http_server import ADMIN_CONNECTIONS_MAX, serve_http, stop_on_signals
from runtime.services.metrics import new_registry
from runtime.services.ports import is_free
from runtime.services.store_checks import check_reading
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import store_address
from runtime.settings.tls import check_transport
from store.broken import Broken
from store.reading.reader import open_probe, open_reader


def run_auditor(settings: Settings) -> int:
    """Audit the live generation until SIGTERM; return the exit code. This needs no secrets and never touches the log.

    Raises `BadSettings` if ``audit_every_s`` is 0, and `Broken` if the store does not let us read or the port is taken.
    """
    if not settings.audit_every_s:
        raise BadSettings("audit_every_s: 0 means no audits; set the seconds between audits, such as 60")
    if settings.metrics_port and not is_free(settings.host, settings.metrics_port):
        raise Broken(f"port {settings.metrics_port} of {settings.host} is taken: choose another with --metrics-port")
    return uvloop.run(_run(settings))


async def _run(settings: Settings) -> int:
    stopping, registry = stop_on_signals(), new_registry()
    store = store_address(settings)
    await asyncio.to_thread(check_transport, store)
    with closing(open_reader(store)) as reader, closing(open_probe(store)) as probe:
        await check_reading(reader)
        seen = AuditMetrics(registry)
        audit = Audit(reader, settings.audit_every_s, seen.found, in_progress=seen.in_progress)
        auditing = asyncio.ensure_future(audit.run())
        try:
            if settings.metrics_port:
                app = health_app(store_readiness(probe), registry)
                await serve_http(app, settings.host, settings.metrics_port, stopping, ADMIN_CONNECTIONS_MAX)
            else:
                await stopping.wait()
        finally:
            auditing.cancel()
            await asyncio.wait({auditing})
    return 0
