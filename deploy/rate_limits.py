"""The rate limits that the settings ask for."""

from urllib.parse import urlsplit

from deploy.settings import BadSettings, Settings
from edge.rate_limits import RateLimits
from edge.request_counters import LocalCounter, RequestCounter


def rate_limits(settings: Settings) -> RateLimits:
    """Counted in this process, or for all of them in Redis or Valkey.

    Raises:
        BadSettings: a limit below 0, or a URL of something else.
    """
    for name in ("writes_per_hour", "reads_per_hour"):
        if getattr(settings, name) < 0:
            raise BadSettings(f"{name} is a number of requests, 0 for no limit")
    return RateLimits(_counter(settings.rate_limit_url), settings.writes_per_hour, settings.reads_per_hour)


def _counter(url: str) -> RequestCounter:
    if not url:
        return LocalCounter()
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise BadSettings("rate_limit_url is redis://[user:password@]host:port/number, rediss://… or unix:///socket")
    # Needed here alone: who counts in the process need not wait for it to be imported.
    from edge.redis_counter import open_redis_counter

    try:
        return open_redis_counter(url)
    except ValueError as error:
        raise BadSettings(f"rate_limit_url: {error}") from error
