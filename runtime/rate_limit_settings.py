"""The rate limits that the settings ask for."""

import re
from urllib.parse import SplitResult

from edge.rate_limits import RateLimits
from edge.request_counters import LocalCounter, RequestCounter
from runtime.settings import BadSettings, Settings
from runtime.tls_files import secret_of
from runtime.url_parts import port_of, query_of, refuse, split

_FORMS = "redis://[user:password@]host:port/number, rediss://… (TLS) or unix:///socket[?db=number]"
_QUERY = {"redis": (), "rediss": ("ssl_ca_certs",), "unix": ("db",)}
_NUMBER = re.compile(r"/?|/[0-9]{1,6}")


def rate_limits(settings: Settings) -> RateLimits:
    """Counted in this process, or for all of them in Redis or Valkey.

    Raises:
        BadSettings: a limit below 0, a URL of something else, or a password that others can read.
    """
    for name in ("writes_per_hour", "reads_per_hour"):
        if getattr(settings, name) < 0:
            raise BadSettings(f"{name} is a number of requests, 0 for no limit")
    return RateLimits(_counter(settings), settings.writes_per_hour, settings.reads_per_hour)


def _counter(settings: Settings) -> RequestCounter:
    if not settings.rate_limit_url:
        return LocalCounter()
    parts = split("rate_limit_url", settings.rate_limit_url, _FORMS)
    password = _password(settings, parts)
    _check(parts)
    # Needed here alone: who counts in the process need not wait for it to be imported.
    from edge.redis_counter import open_redis_counter

    try:
        return open_redis_counter(settings.rate_limit_url, password)
    except ValueError as error:
        raise BadSettings(f"rate_limit_url: {error}") from error


def _check(parts: SplitResult) -> None:
    """Refuse what redis-py would drop, or take as an order to trust any certificate."""
    if parts.scheme not in _QUERY:
        raise BadSettings(f"rate_limit_url is {_FORMS}")
    query_of("rate_limit_url", parts, _QUERY[parts.scheme], _FORMS)
    if parts.scheme == "unix":
        return
    port_of("rate_limit_url", parts, 6379)
    if not _NUMBER.fullmatch(parts.path):
        raise refuse("rate_limit_url", "after the port there is the number of a database, and nothing else", _FORMS)


def _password(settings: Settings, parts: SplitResult) -> str | None:
    if not settings.rate_limit_password_file:
        return None
    if parts.password:
        raise BadSettings("rate_limit_password_file: there is a password in rate_limit_url as well; take it out")
    return secret_of("rate_limit_password_file", settings.rate_limit_password_file)
