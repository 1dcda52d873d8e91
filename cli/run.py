"""Commands that run until stopped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from cli.options import HTTP, settings_of_a_process, settings_options
from cli.sign_in import open_option
from cli.welcome import welcome


@click.command()
@settings_options("data", "host", "port", *HTTP)
@open_option
def up(opens: bool, **options: Any) -> None:
    """Serve the embedded default: one process that needs no services.

    The log is one SQLite file, and the store is the ClickHouse engine inside the process. Both are in the data folder.
    Prints the address, a link that signs in to the dashboard once, and three curl commands to try.

    \b
    Example: crewkit-sessions up --data var/up --port 8080 --open
    """
    settings = settings_of_a_process(options)
    _report(f"Starting crewkit-sessions in {settings.folder} …")
    from runtime.services.logging import configure_logging
    from runtime.services.single_process import run_single_process

    configure_logging(settings.folder / "log" / "up.log")
    sys.exit(run_single_process(settings, on_ready=lambda codes: welcome(settings, _report, codes, opens=opens)))


@click.command()
@settings_options("data", "host", "port", *HTTP)
def stack(**options: Any) -> None:
    """Run the production setup on this machine: Kafka, store server, two projectors, HTTP. Restarts what dies.

    Needs Java 17 and, the first time, Maven. The process ids are in DIR/run, the logs in DIR/log.

    \b
    Example: crewkit-sessions stack --data var/stack --port 8080
    """
    with from_checkout():
        from devstack.stack import run_stack
    from runtime.settings.http_settings import check_http
    from runtime.settings.secret_making import make_embedded_secrets

    settings = settings_of_a_process(options)
    make_embedded_secrets(settings.secrets_folder)
    check_http(settings)  # otherwise the services would keep restarting with the same error
    given = {name.upper(): str(options[name]) for name in HTTP if options[name] is not None}
    on_ready = partial(welcome, settings, _report)
    where, admin = (settings.folder, settings.host, settings.port), settings.admin_address
    sys.exit(run_stack(*where, http_env=given, admin=admin, report=_report, on_ready=on_ready))


@click.command()
@settings_options("data", "host", "port", "log_url", "store_url", "secrets", "dev_tokens", *HTTP)
def serve(**options: Any) -> None:
    """Serve the write side and the read side, over Kafka and ClickHouse."""
    _serve(options, "ingest", "query")


@click.command()
@settings_options("data", "host", "port", "log_url", "secrets", "dev_tokens", *HTTP)
def ingest(**options: Any) -> None:
    """Serve only the write side, from HTTP to the log. It never reads the store."""
    _serve(options, "ingest")


@click.command("query-api")
@settings_options("data", "host", "port", "store_url", "secrets", "dev_tokens", *HTTP)
def query_api(**options: Any) -> None:
    """Serve only the read side, from the store to HTTP. It never touches the log."""
    _serve(options, "query")


def _serve(options: dict[str, Any], *sides: str) -> None:
    from runtime.services.http_services import run_services
    from runtime.services.logging import configure_logging

    configure_logging()
    sys.exit(run_services(settings_of_a_process(options), sides))


@click.command()
@settings_options("data", "host", "metrics_port", "log_url", "store_url", "generation", "instance")
def processors(**options: Any) -> None:
    """Project the log into the store, as a Faust worker.

    \b
    Example: LOG_URL=kafka://k1:9092,k2:9092/crewkit.sessions.v1 \\
             STORE_URL=clickhouse://crewkit:…@ch1:8123 crewkit-sessions processors --instance 0
    """
    from runtime.services.logging import configure_logging
    from runtime.services.worker import run_worker

    configure_logging()
    sys.exit(run_worker(settings_of_a_process(options)))


@click.command()
@settings_options("data", "host", "metrics_port", "store_url")
def audit(**options: Any) -> None:
    """Prove the numbers: audit the store every minute, and serve the findings as metrics.

    It makes the checks of `coverage` and `recount`: every minute for the last hours, and at 03:00 UTC for everything.
    It only reads the store and repairs nothing. One process is enough: set AUDIT_EVERY_S=0 in `query-api`.

    \b
    Example: STORE_URL=clickhouse://crewkit_query:…@ch1:8123 crewkit-sessions audit --metrics-port 9090
    """
    from runtime.services.auditor import run_auditor
    from runtime.services.logging import configure_logging

    configure_logging()
    sys.exit(run_auditor(settings_of_a_process(options)))


@click.command()
@settings_options("data", "host", "metrics_port", "log_url", "archive_url", "hot_days")
def keeper(**options: Any) -> None:
    """Keep the topic of the log small: move old records into an archive, then delete them from the topic.

    The archive is an export of the log, which `log verify` checks. Nothing is deleted before its copy was read back.
    Give every process that reads the log the same ARCHIVE_URL. One keeper is enough.

    \b
    Example: LOG_URL=kafka://k1:9092,k2:9092/crewkit.sessions.v1 \\
             ARCHIVE_URL=file:///var/lib/crewkit/archive crewkit-sessions keeper --hot-days 7
    """
    from runtime.services.keeper import run_keeper
    from runtime.services.logging import configure_logging

    configure_logging()
    sys.exit(run_keeper(settings_of_a_process(options)))


@click.command("store-server")
@settings_options("data", "host", "port", "store_url")
def store_server(**options: Any) -> None:
    """Serve ClickHouse's HTTP protocol over the embedded engine, so that several processes share one store.

    For development only; production uses a ClickHouse server. User and password come from STORE_URL. It speaks plain
    HTTP, and listens only on loopback.
    """
    with from_checkout():
        from devstack.store_server.process import run_store_server
    from runtime.services.logging import configure_logging

    configure_logging()
    sys.exit(run_store_server(settings_of_a_process(options)))


@contextmanager
def from_checkout() -> Iterator[None]:
    """Explain an import that fails because `devstack` is not in the wheel. Raises `ClickException`."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "devstack":
            raise
        text = "this command is for development: run it in a checkout of the repository, after `make setup`"
        raise click.ClickException(text) from error


def _report(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


COMMANDS = (up, stack, serve, ingest, query_api, processors, audit, store_server)
