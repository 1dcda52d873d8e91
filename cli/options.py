"""Options that several commands share; a missing one comes from the environment, the file or the default."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from runtime.settings.private_files import private_data_folder
from runtime.settings.settings import Settings, load_settings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_TEXT: dict[str, Any] = {}
_NUMBER, _PATH, _FLAG = {"type": int}, {"type": click.Path()}, {"is_flag": True, "default": None}
_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "data": (_PATH, "Data folder (default var/up)."),
    "host": (_TEXT, "Address to listen on (default 127.0.0.1)."),
    "port": (_NUMBER, "Port to listen on (default 8080)."),
    "log_url": (_TEXT, "sqlite:///file or kafka://host:port,…/topic."),
    "archive_url": (_TEXT, "file:///folder or s3://bucket/prefix, where the keeper archives the log."),
    "hot_days": ({"type": float}, "Days for which the topic keeps what is archived (default 7)."),
    "store_url": (_TEXT, "chdb:///folder or clickhouse://user@host:port/database[?secure=true]."),
    "secrets": (_PATH, "Secrets folder (default secrets/ in --data)."),
    "generation": (_TEXT, "Generation to project into (default g1)."),
    "instance": (_NUMBER, "Number of this worker on this host (default 0)."),
    "admin_port": (_NUMBER, "Separate port for /livez, /readyz and /metrics (default 0: use --port)."),
    "admin_host": (_TEXT, "Address for --admin-port to listen on (default that of --host)."),
    "metrics_port": (_NUMBER, "Port for /metrics, /livez and /readyz (default 0: none)."),
    "partitions": (_NUMBER, "Number of log partitions; it can never change."),
    "jwks_file": (_PATH, "Public keys of the token issuer (JWKS)."),
    "jwks_issuer": (_TEXT, "Expected iss of the issuer's tokens."),
    "jwks_audience": (_TEXT, "Expected aud of the issuer's tokens."),
    "operator_public_key_file": (_PATH, "Operators' public keys (PEM)."),
    "dev_tokens": (_FLAG, "For development: accept tokens from the command `token`."),
    "revoked_file": (_PATH, "Revoked tokens, one jti per line."),
    "allowed_origins": (_TEXT, "Web origins that may call the API, comma-separated."),
    "writes_per_hour": (_NUMBER, "Limit per org (default 600000, 0: none)."),
    "reads_per_hour": (_NUMBER, "Limit per org (default 60000, 0: none)."),
    "rate_limit_url": (_TEXT, "redis://host:port/number, shared by all processes."),
}
# Options of every HTTP service.
HTTP = (
    *("jwks_file", "jwks_issuer", "jwks_audience", "revoked_file", "operator_public_key_file"),
    *("allowed_origins", "writes_per_hour", "reads_per_hour", "rate_limit_url"),
    *("admin_port", "admin_host"),
)


class Day(click.ParamType):
    """A day of UTC, as people type it."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        text = {"today": "0d", "yesterday": "1d"}.get(value, value)
        try:
            if text.endswith("d"):
                return datetime.now(UTC).date() - timedelta(int(text.removesuffix("d")))
            return date.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a day: give one such as 2026-01-31, today, yesterday or 7d (days ago)", param, ctx
            )


def settings_options(*names: str) -> Decorator:
    """Add these options; the command passes them to `load_settings`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            kind, text = _OPTIONS[name]
            command = click.option(f"--{name.replace('_', '-')}", help=text, **kind)(command)
        return command

    return decorate


def settings_of_a_process(options: Mapping[str, Any]) -> Settings:
    """Load a process's settings, and close its data folder to other accounts. Raises `BadSettings`."""
    settings = load_settings(options)
    private_data_folder(settings.folder)
    return settings
