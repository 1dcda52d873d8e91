"""The metrics registry of a process, and a small HTTP server for processes that have no other server."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.process_collector import ProcessCollector

from processors.fold.fold import FOLD_VERSION
from runtime.settings.settings import Settings
from store.broken import Broken

disable_created_metrics()  # type: ignore[no-untyped-call]  # those that are folded at a scrape have none either

Parts = Callable[[], Mapping[str, bool]]  # for each dependency, by name, whether it responds
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def new_registry() -> CollectorRegistry:
    """Return a registry with this process's version, memory, processor time and open files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge("crewkit_build_info", "The running version.", ("version", "fold_version"), registry=registry)
    build.labels(version("crewkit-sessions"), FOLD_VERSION).set(1)
    return registry


@contextmanager
def metrics_served(settings: Settings, registry: CollectorRegistry, parts: Parts = dict) -> Iterator[None]:
    """Serve metrics and health on ``metrics_port`` of ``host``, in threads, within the context; 0 serves nothing.

    ``/metrics`` shows the registry, ``/livez`` that the process is running, ``/readyz`` whether all ``parts`` respond.
    Raises `Broken`: the port is in use.
    """
    if not settings.metrics_port:
        yield
        return
    try:
        server = make_server(settings.host, settings.metrics_port, _pages(registry, parts), ThreadingWSGIServer, _Quiet)
    except OSError as error:
        raise Broken(
            f"metrics_port: can't listen on port {settings.metrics_port} of {settings.host}: {error}"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pages(registry: CollectorRegistry, parts: Parts) -> Wsgi:
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            pages: Iterable[bytes] = metrics(environ, start_response)
            return pages
        status, body = _health(environ["PATH_INFO"], parts)
        start_response(status, [("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-cache")])
        return [json.dumps(body).encode()]

    return answer


def _health(path: str, parts: Parts) -> tuple[str, Mapping[str, str]]:
    said = {name: "ok" if here else "is away" for name, here in parts().items()}
    if path == "/livez":
        return "200 OK", {"status": "ok"}
    if path != "/readyz":
        return "404 Not Found", {"status": "there is nothing at this address"}
    if "is away" in said.values():
        return "503 Service Unavailable", {"status": "not_ready", **said}
    return "200 OK", {"status": "ok", **said}


class _Quiet(WSGIRequestHandler):
    """Logs no requests, and drops a connection that sends no request in time."""

    timeout = 15

    def log_message(self, *_: Any) -> None: ...
