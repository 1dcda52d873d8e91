"""What HTTP services take from the settings: keys that verify tokens, revoked tokens and rate limits."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from edge.authentication import TokenVerifier
from edge.credential_files import parse_jwks, parse_revoked
from edge.keys import shared_secret
from edge.rate_limits import RateLimits, RequestCounter
from edge.watched_file import Unreadable, WatchedFile
from runtime.settings.secrets import TOKENS, id_secrets, operator_keys, token_keys
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.tls import secret_of
from runtime.settings.url_parts import port_of, query_of, refuse, split

T = TypeVar("T")
# Of rate_limit_url: its forms, the options of each scheme, and a path that is the number of a database.
_FORMS = "redis://[user:password@]host:port/number, rediss://… (TLS) or unix:///socket[?db=number]"
_QUERY = {"redis": (), "rediss": ("ssl_ca_certs",), "unix": ("db",)}
_NUMBER = re.compile(r"/?|/[0-9]{1,6}")
logger = structlog.get_logger()


def check_http(settings: Settings) -> None:
    """Raise the `BadSettings` that `http_services.service` would raise only after other parts have started."""
    load_credentials(settings), id_secrets(settings.secrets_folder), create_rate_limits(settings)
    _ = settings.origins, settings.admin_address


def load_credentials(settings: Settings) -> tuple[TokenVerifier, Sequence[WatchedFile[Any]]]:
    """Return the verifier, and the files that keep it up to date while they are watched. Raises `BadSettings`.

    Our own keys verify tokens in addition to the JWKS file, because commands use them to sign requests to a running
    installation. They are the operator's key, which grants no access to orgs, and the token secret, which grants
    access only with ``dev_tokens`` and without a JWKS file.
    """
    own = list(operator_keys(settings))
    opens_orgs = settings.dev_tokens and not settings.jwks_file
    if opens_orgs or (settings.secrets_folder / TOKENS).exists():  # where it opens no orgs, it may be missing
        own += [shared_secret(key, grants_org_access=opens_orgs) for key in token_keys(settings.secrets_folder)]
    if not own:
        logger.warning("operators_shut_out", why="the secrets folder contains neither operator.pub nor token.key")
    verifier = TokenVerifier(own)
    files: list[WatchedFile[Any]] = []
    if settings.jwks_file:
        parse = partial(parse_jwks, issuer=settings.jwks_issuer, audience=settings.jwks_audience)
        files.append(_watched(settings, "jwks_file", parse, lambda keys: verifier.use_keys([*own, *keys])))
    if settings.revoked_file:
        files.append(_watched(settings, "revoked_file", parse_revoked, verifier.revoke))
    return verifier, files


def check_tokens_open_orgs(settings: Settings) -> None:
    """Raise `BadSettings` if no token could grant access to an org."""
    if not (settings.jwks_file or settings.dev_tokens):
        raise BadSettings(
            "jwks_file: no token would grant access to an org; set it to the public keys of your token issuer or, for "
            "development, use --dev-tokens, which accepts the tokens of `crewkit-sessions token`"
        )


def _watched(settings: Settings, name: str, parse: Callable[[bytes], T], take: Callable[[T], None]) -> WatchedFile[T]:
    path = Path(getattr(settings, name)).absolute()
    try:
        return WatchedFile(path, parse, take)
    except Unreadable as error:
        raise BadSettings(f"{name}: {path} {error}") from error


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
    parts, password_file = split("rate_limit_url", settings.rate_limit_url, _FORMS), settings.rate_limit_password_file
    if password_file and parts.password:
        raise BadSettings("rate_limit_password_file: rate_limit_url contains a password too; remove it there")
    password = secret_of("rate_limit_password_file", password_file) if password_file else None
    # Refuse parts that redis-py would ignore, and options that disable certificate checks.
    if parts.scheme not in _QUERY:
        raise BadSettings(f"rate_limit_url must be {_FORMS}")
    query_of("rate_limit_url", parts, _QUERY[parts.scheme], _FORMS)
    if parts.scheme != "unix":
        port_of("rate_limit_url", parts, 6379)
        if not _NUMBER.fullmatch(parts.path):
            raise refuse("rate_limit_url", "only a database number is allowed after the port", _FORMS)
    # Imported here: processes that count in memory do not need Redis.
    from edge.redis_counter import open_redis_counter

    try:
        return open_redis_counter(settings.rate_limit_url, password)
    except ValueError as error:
        raise BadSettings(f"rate_limit_url: {error}") from error
