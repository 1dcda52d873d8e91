"""Which tokens an installation takes: those of its own secret, or of the keys in a JWKS file; less the revoked ones."""

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
from runtime.operator_key import operator_keys
from runtime.secrets import TOKENS, token_keys
from runtime.settings import BadSettings, Settings

T = TypeVar("T")
logger = structlog.get_logger()


def credentials(settings: Settings) -> tuple[TokenVerifier, Sequence[WatchedFile[Any]]]:
    """The verifier, and the files that it is kept up to date from while they are followed.

    Our own keys verify beside those of a JWKS file: commands sign with them what they ask of a running installation.
    They are the operator's, which opens no org, and the secret of tokens. That opens orgs where it is asked to, and no
    JWKS file says who else issues tokens.

    Raises:
        BadSettings: a file is missing or broken.
    """
    own = [*operator_keys(settings), *_secret_of_tokens(settings)]
    if not own:
        logger.warning("operators_shut_out", why="there is neither operator.pub nor token.key in the folder of secrets")
    revoked = Revoked()
    verifier = TokenVerifier(own, revoked=revoked.__contains__)
    files: list[WatchedFile[Any]] = []
    if settings.jwks_file:
        parse = partial(parse_jwks, issuer=settings.jwks_issuer, audience=settings.jwks_audience)
        files.append(_watched(settings, "jwks_file", parse, _beside(own, verifier)))
    if settings.revoked_file:
        files.append(_watched(settings, "revoked_file", parse_revoked, revoked.add))
    return verifier, files


def check_tokens_open_orgs(settings: Settings) -> None:
    """Raises `BadSettings` where no token could open an org."""
    if not (settings.jwks_file or settings.dev_tokens):
        raise BadSettings(
            "jwks_file: no token would open an org; name the public keys of who issues tokens, or, for development, "
            "say --dev-tokens, and tokens of `crewkit-sessions token` do"
        )


def _secret_of_tokens(settings: Settings) -> list[VerificationKey]:
    """It may be left off machines where it opens no org."""
    grants_org_access = settings.dev_tokens and not settings.jwks_file
    if not grants_org_access and not (settings.secrets_folder / TOKENS).exists():
        return []
    return [shared_secret(key, grants_org_access=grants_org_access) for key in token_keys(settings.secrets_folder)]


def _beside(own: Sequence[VerificationKey], verifier: TokenVerifier) -> Callable[[Sequence[VerificationKey]], None]:
    return lambda keys: verifier.use_keys([*own, *keys])


def _watched(settings: Settings, name: str, parse: Callable[[bytes], T], take: Callable[[T], None]) -> WatchedFile[T]:
    path = Path(getattr(settings, name)).absolute()
    try:
        return WatchedFile(path, parse, take)
    except Unreadable as error:
        raise BadSettings(f"{name}: {path} {error}") from error
