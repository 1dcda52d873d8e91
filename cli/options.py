"""Options that several commands share; a missing one comes from the environment, the file or the default."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from runtime.settings.private_files import private_data_folder
from runtime.settings.settings import Settings, load_settings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_OPTIONS: dict[str, Decorator] = {
    "data": click.option("--data", type=click.Path(), help="Data folder (default var/up)."),
    "host": click.option("--host", help="Address to listen on (default 127.0.0.1)."),
    "port": click.option("--port", type=int, help="Port to listen on (default 8080)."),
    "log_url": click.option("--log-url", help="sqlite:///file or kafka://host:port,…/topic."),
    "store_url": click.option(
        "--store-url", help="chdb:///folder or clickhouse://user@host:port/database[?secure=true]."
    ),
    "secrets": click.option("--secrets", type=click.Path(), help="Secrets folder (default secrets/ in --data)."),
    "generation": click.option("--generation", help="Generation to project into (default g1)."),
    "instance": click.option("--instance", type=int, help="Number of this worker on this host (default 0)."),
    "admin_port": click.option(
        "--admin-port", type=int, help="Separate port for /livez, /readyz and /metrics (default 0: use --port)."
    ),
    "admin_host": click.option("--admin-host", help="Address for --admin-port to listen on (default that of --host)."),
    "metrics_port": click.option(
        "--metrics-port", type=int, help="Port for /metrics, /livez and /readyz (default 0: none)."
    ),
    "partitions": click.option("--partitions", type=int, help="Number of log partitions; it can never change."),
    "jwks_file": click.option("--jwks-file", type=click.Path(), help="Public keys of the token issuer (JWKS)."),
    "jwks_issuer": click.option("--jwks-issuer", help="Expected iss of the issuer's tokens."),
    "jwks_audience": click.option("--jwks-audience", help="Expected aud of the issuer's tokens."),
    "operator_public_key_file": click.option(
        "--operator-public-key-file", type=click.Path(), help="Operators' public keys (PEM)."
    ),
    "dev_tokens": click.option(
        "--dev-tokens", is_flag=True, default=None, help="For development: accept tokens from the command `token`."
    ),
    "revoked_file": click.option("--revoked-file", type=click.Path(), help="Revoked tokens, one jti per line."),
    "allowed_origins": click.option("--allowed-origins", help="Web origins that may call the API, comma-separated."),
    "writes_per_hour": click.option("--writes-per-hour", type=int, help="Limit per org (default 600000, 0: none)."),
    "reads_per_hour": click.option("--reads-per-hour", type=int, help="Limit per org (default 60000, 0: none)."),
    "rate_limit_url": click.option("--rate-limit-url", help="redis://host:port/number, shared by all processes."),
}


# Options of every HTTP service.
HTTP = (
    *("jwks_file", "jwks_issuer", "jwks_audience", "revoked_file", "operator_public_key_file"),
    *("allowed_origins", "writes_per_hour", "reads_per_hour", "rate_limit_url"),
    *("admin_port", "admin_host"),
)


def settings_options(*names: str) -> Decorator:
    """Add these options; the command passes them to `load_settings`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return command

    return decorate


def settings_of_a_process(options: Mapping[str, Any]) -> Settings:
    """Load a process's settings, and close the folder that it writes to to other accounts. Raises `BadSettings`."""
    settings = load_settings(options)
    private_data_folder(settings.folder)
    return settings
