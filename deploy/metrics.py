"""The metrics of one process: its registry, and a way to read them where no HTTP service of ours runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.process_collector import ProcessCollector

from deploy.settings import Settings
from processors.errors import Broken
from processors.fold import FOLD_VERSION


def new_registry() -> CollectorRegistry:
    """A registry of the process's own, with its version, memory, processor time and open files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge("crewkit_build_info", "What runs here.", ("version", "fold_version"), registry=registry)
    build.labels(version("crewkit-sessions"), FOLD_VERSION).set(1)
    return registry


@contextmanager
def metrics_served(settings: Settings, registry: CollectorRegistry) -> Iterator[None]:
    """Answer GET /metrics on ``metrics_port`` of ``host`` meanwhile, in a thread; not at all if the port is 0.

    Raises:
        Broken: the port is taken.
    """
    if not settings.metrics_port:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.host, registry)
    except OSError as error:
        raise Broken(f"metrics_port: {settings.metrics_port} of {settings.host} can't be had: {error}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
