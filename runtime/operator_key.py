"""The keys that sign and verify operator tokens: the operator's key pair or, without one, the token secret.

With the key pair, machines that serve need only `operator.pub`, so they cannot sign.
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
    """Return the key that signs operator tokens: `operator.key` if it exists, else the first line of `token.key`.

    Raises:
        BadSettings: neither file exists, or the key is not usable.
    """
    file = folder / PRIVATE
    if not file.exists():
        if (folder / TOKENS).exists():
            return token_key(folder)
        raise BadSettings(
            f"neither {file} nor {TOKENS} exists: run this on the machine with the operator's key or, for a new "
            "installation, run `crewkit-sessions secrets make`"
        )
    check_secrets_folder(folder)
    try:
        return parse_private_key(read_secret(file))
    except ValueError as error:
        raise BadSettings(f"{file} {error}") from error


def operator_keys(settings: Settings) -> tuple[VerificationKey, ...]:
    """Return the keys that verify them: those of the configured file, else of `operator.pub`; none without either.

    Raises:
        BadSettings: the configured file does not exist, or a key is not usable.
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
    """Write a new key pair into a secrets folder; raises `OSError`."""
    private, public = new_key_pair()
    make_secret(folder / PRIVATE, private)
    make_secret(folder / PUBLIC, public)
