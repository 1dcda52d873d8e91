"""Loads the credentials: the keys that verify tokens (our own and those of a JWKS file), and the revoked tokens."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from edge.authentication import TokenVerifier
from edge.jwks import parse_jwks
from edge.keys import VerificationKey, shared_secret
from edge.revocation import Revoked, parse_revoked
from edge.watched_file import Unreadable, WatchedFile
from runtime.settings.secrets import TOKENS, operator_keys, token_keys
from runtime.settings.settings import BadSettings, Settings

T = TypeVar("T")
logger = structlog.get_logger()


def load_credentials(settings: Settings) -> tuple[TokenVerifier, Sequence[WatchedFile[Any]]]:
    """Return the verifier, and the files that keep it up to date while they are watched. Raises `BadSettings`.

    Our own keys verify tokens in addition to the JWKS file, because commands use them to sign requests to a running
    installation. They are the operator's key, which grants no access to orgs, and the token secret, which grants
    access only with ``dev_tokens`` and without a JWKS file.
    """
    own = [*operator_keys(settings), *_secret_of_tokens(settings)]
    if not own:
        logger.warning("operators_shut_out", why="the secrets folder contains neither operator.pub nor token.key")
    revoked = Revoked()
    verifier = TokenVerifier(own, revoked=revoked.__contains__)
    files: list[WatchedFile[Any]] = []
    if settings.jwks_file:
        parse = partial(parse_jwks, issuer=settings.jwks_issuer, audience=settings.jwks_audience)
        files.append(_watched(settings, "jwks_file", parse, lambda keys: verifier.use_keys([*own, *keys])))
    if settings.revoked_file:
        files.append(_watched(settings, "revoked_file", parse_revoked, revoked.add))
    return verifier, files


def check_tokens_open_orgs(settings: Settings) -> None:
    """Raise `BadSettings` if no token could grant access to an org."""
    if not (settings.jwks_file or settings.dev_tokens):
        raise BadSettings(
            "jwks_file: no token would grant access to an org; set it to the public keys of your token issuer or, for "
            "development, use --dev-tokens, which accepts the tokens of `crewkit-sessions token`"
        )


def _secret_of_tokens(settings: Settings) -> list[VerificationKey]:
    """Return the keys in the token secret. The file may be missing on machines where it grants no access to orgs."""
    grants_org_access = settings.dev_tokens and not settings.jwks_file
    if not grants_org_access and not (settings.secrets_folder / TOKENS).exists():
        return []
    return [shared_secret(key, grants_org_access=grants_org_access) for key in token_keys(settings.secrets_folder)]


def _watched(settings: Settings, name: str, parse: Callable[[bytes], T], take: Callable[[T], None]) -> WatchedFile[T]:
    path = Path(getattr(settings, name)).absolute()
    try:
        return WatchedFile(path, parse, take)
    except Unreadable as error:
        raise BadSettings(f"{name}: {path} {error}") from error
