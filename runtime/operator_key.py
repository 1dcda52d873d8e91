"""Who signs for the operator, and what verifies it: a key pair of the operator's own, or else the secret of tokens.

With the pair no machine that serves holds anything that could sign: `operator.pub` is enough there.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.keys import VerificationKey
from edge.operator_keys import new_key_pair, parse_private_key, parse_public_keys
from runtime.secret_files import check_secrets_folder, make_secret, read_secret
from runtime.secrets import TOKENS, token_key
from runtime.settings import BadSettings, Settings

PRIVATE, PUBLIC = "operator.key", "operator.pub"


def operator_signer(folder: Path) -> Ed25519PrivateKey | bytes:
    """What signs operators' tokens: `operator.key` where it is, else the first line of `token.key`.

    Raises:
        BadSettings: neither is there, or it can't be used.
    """
    file = folder / PRIVATE
    if not file.exists():
        if (folder / TOKENS).exists():
            return token_key(folder)
        raise BadSettings(
            f"{file} is not there, nor is {TOKENS}: run this where the operator's key is, or, for a new installation, "
            "run `crewkit-sessions secrets make`"
        )
    check_secrets_folder(folder)
    try:
        return parse_private_key(read_secret(file))
    except ValueError as error:
        raise BadSettings(f"{file} {error}") from error


def operator_keys(settings: Settings) -> tuple[VerificationKey, ...]:
    """What verifies them: the keys of the file that is named, else of `operator.pub`; none where that is not there.

    Raises:
        BadSettings: the file that is named is not there, or it can't be used.
    """
    named = settings.operator_public_key_file
    file = Path(named).absolute() if named else settings.secrets_folder / PUBLIC
    if not named and not file.exists():
        return ()
    try:
        return parse_public_keys(file.read_bytes())
    except OSError as error:
        raise BadSettings(f"operator_public_key_file: {file} {error.strerror}") from error
    except ValueError as error:
        raise BadSettings(f"operator_public_key_file: {file} {error}") from error


def make_operator_keys(folder: Path) -> None:
    """Write a new pair into a folder of secrets; raises `OSError`."""
    private, public = new_key_pair()
    make_secret(folder / PRIVATE, private)
    make_secret(folder / PUBLIC, public)
