"""Creates the rate limits from the settings."""

import re
from urllib.parse import SplitResult

from edge.rate_limits import RateLimits, RequestCounter
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.tls import secret_of
from runtime.settings.url_parts import port_of, query_of, refuse, split

_FORMS = "redis://[user:password@]host:port/number, rediss://… (TLS) or unix:///socket[?db=number]"
_QUERY = {"redis": (), "rediss": ("ssl_ca_certs",), "unix": ("db",)}
_NUMBER = re.compile(r"/?|/[0-9]{1,6}")


def create_rate_limits(settings: Settings) -> RateLimits:
    """Return the limits, counted in this process or, for all processes, in Redis or Valkey. Raises `BadSettings`."""
    for name in ("writes_per_hour", "reads_per_hour"):
        if getattr(settings, name) < 0:
            raise BadSettings(f"{name} must be a number of requests, or 0 for no limit")
    if settings.store_seconds_per_hour < 0:
        raise BadSettings("store_seconds_per_hour must be a number of seconds, or 0 for no limit")
    return RateLimits(_counter(settings), settings.writes_per_hour, settings.reads_per_hour)


def _counter(settings: Settings) -> RequestCounter:
    if not settings.rate_limit_url:
        return RequestCounter()
    parts = split("rate_limit_url", settings.rate_limit_url, _FORMS)
    password = _password(settings, parts)
    _check(parts)
    # Imported here: processes that count in memory do not need Redis.
    from edge.redis_counter import open_redis_counter

    try:
        return open_redis_counter(settings.rate_limit_url, password)
    except ValueError as error:
        raise BadSettings(f"rate_limit_url: {error}") from error


def _check(parts: SplitResult) -> None:
    """Refuse URL parts that redis-py would ignore, and options that disable certificate checks."""
    if parts.scheme not in _QUERY:
        raise BadSettings(f"rate_limit_url must be {_FORMS}")
    query_of("rate_limit_url", parts, _QUERY[parts.scheme], _FORMS)
    if parts.scheme == "unix":
        return
    port_of("rate_limit_url", parts, 6379)
    if not _NUMBER.fullmatch(parts.path):
        raise refuse("rate_limit_url", "only a database number is allowed after the port", _FORMS)


def _password(settings: Settings, parts: SplitResult) -> str | None:
    if not settings.rate_limit_password_file:
        return None
    if parts.password:
        raise BadSettings("rate_limit_password_file: rate_limit_url contains a password too; remove it there")
    return secret_of("rate_limit_password_file", settings.rate_limit_password_file)
