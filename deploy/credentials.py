"""Which tokens an installation takes: those of its own secret, or of the keys in a JWKS file; less the revoked ones."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from deploy.secrets import token_keys
from deploy.settings import BadSettings, Settings
from edge.authentication import TokenVerifier
from edge.jwks import parse_jwks
from edge.keys import VerificationKey, shared_secret
from edge.revocation import Revoked, parse_revoked
from edge.watched_file import Unreadable, WatchedFile

T = TypeVar("T")


def credentials(settings: Settings) -> tuple[TokenVerifier, Sequence[WatchedFile[Any]]]:
    """The verifier, and the files that it is kept up to date from while they are followed.

    The secret of our own always verifies: the commands sign with it what they ask of a running installation. Beside a
    JWKS file it does so for operators alone, so that who can read it can look after the installation, but opens no org.

    Raises:
        BadSettings: a file is missing or broken.
    """
    own = [shared_secret(key, opens_orgs=not settings.jwks_file) for key in token_keys(settings.secrets_folder)]
    revoked = Revoked()
    verifier = TokenVerifier(own, revoked=revoked.__contains__)
    files: list[WatchedFile[Any]] = []
    if settings.jwks_file:
        parse = partial(parse_jwks, issuer=settings.jwks_issuer, audience=settings.jwks_audience)
        files.append(_watched(settings, "jwks_file", parse, _beside(own, verifier)))
    if settings.revoked_file:
        files.append(_watched(settings, "revoked_file", parse_revoked, revoked.add))
    return verifier, files


def _beside(own: Sequence[VerificationKey], verifier: TokenVerifier) -> Callable[[Sequence[VerificationKey]], None]:
    return lambda keys: verifier.use_keys([*own, *keys])


def _watched(settings: Settings, name: str, parse: Callable[[bytes], T], take: Callable[[T], None]) -> WatchedFile[T]:
    path = Path(getattr(settings, name)).absolute()
    try:
        return WatchedFile(path, parse, take)
    except Unreadable as error:
        raise BadSettings(f"{name}: {path} {error}") from error
