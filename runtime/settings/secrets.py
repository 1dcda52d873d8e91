"""Reads the installation's secrets: files in ``DIR/secrets`` that only their owner can read.

`secret_making` makes them, and `private_files` refuses a file that others can read or change. Everything that must
never change is derived from ``seed.key``, which itself never changes. ``id.keys`` has one key per line: the first one
makes ids, all verify them, so keys can be rotated. ``token.key`` also has one key per line: the first one signs tokens
(HS256), all verify them. If there is an ``operator.key``, it signs operator tokens instead, and ``operator.pub``
verifies them, so machines that serve can't sign any.
"""

import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.settings.private_files import check_secrets_folder, make_secret, read_secret
from runtime.settings.settings import BadSettings, Settings
from schemas.ids import IdSecrets
from schemas.installation import OwnSecrets

if TYPE_CHECKING:  # most processes read no operator key, and importing cryptography takes 80 ms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from edge.keys import VerificationKey

SEED, IDS, TOKENS = "seed.key", "id.keys", "token.key"
PRIVATE, PUBLIC = "operator.key", "operator.pub"
KEY_BYTES = 32
FINGERPRINT_BYTES = 16


def id_secrets(folder: Path) -> IdSecrets:
    """Return the secrets behind ids. Raises `BadSettings`: a file is missing, invalid, or open to other accounts."""
    return IdSecrets(_keys(folder / IDS), _keys(folder / SEED)[0])


def own_secrets(folder: Path) -> OwnSecrets:
    """Return what distinguishes this installation's secrets from another's; raise like `id_secrets`.

    The fingerprint covers ``seed.key`` and the last line of ``id.keys``, which a rotation leaves in place because it
    adds lines before it. It is a digest of random keys, so it reveals nothing about them.
    """
    secrets_ = id_secrets(folder)
    digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES, person=b"crewkit-secrets")
    for key in (secrets_.seed_key, secrets_.id_keys[-1]):
        digest.update(len(key).to_bytes(4, "big") + key)
    return OwnSecrets(digest.hexdigest(), str(folder))


def token_key(folder: Path) -> bytes:
    """Return the secret that signs tokens."""
    return token_keys(folder)[0]


def token_keys(folder: Path) -> tuple[bytes, ...]:
    """Return the secrets that verify tokens; during a rotation, the former one too."""
    return _keys(folder / TOKENS)


def _keys(file: Path) -> tuple[bytes, ...]:
    try:
        check_secrets_folder(file.parent)
        text = read_secret(file)
    except FileNotFoundError as error:
        raise BadSettings(
            f"{file} is missing: copy it from another machine of this installation or, for a new installation, run "
            "`crewkit-sessions secrets make`"
        ) from error
    try:
        keys = tuple(bytes.fromhex(line) for line in text.split())
    except ValueError:
        keys = ()
    if not keys or any(len(key) < KEY_BYTES for key in keys):
        raise BadSettings(f"{file} must contain keys, one per line, each of {2 * KEY_BYTES} hexadecimal digits")
    return keys


def read_or_make_secret(file: Path) -> str:
    """Return a password shared by the processes of one machine, made on the first call. Raises `BadSettings`."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_secrets_folder(file.parent)
        if not file.exists():
            make_secret(file, new_key())
    except OSError as error:
        raise BadSettings(f"{file} is missing and can't be created: {error.strerror}") from error
    return read_secret(file)


def new_key() -> str:
    """Return a new key, as a line of a key file."""
    return secrets.token_hex(KEY_BYTES) + "\n"


def operator_signer(folder: Path) -> "Ed25519PrivateKey | bytes":
    """Return the key that signs operator tokens: `operator.key` if it exists, else the first line of `token.key`.

    Raises `BadSettings`: neither file exists, or the key is not usable.
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
    from edge.keys import parse_private_key

    try:
        return parse_private_key(read_secret(file))
    except ValueError as error:
        raise BadSettings(f"{file} {error}") from error


def operator_keys(settings: Settings) -> "tuple[VerificationKey, ...]":
    """Return the keys that verify operator tokens: from the configured file, else from `operator.pub`, else none.

    Raises `BadSettings`: the configured file does not exist, or a key is not usable.
    """
    named = settings.operator_public_key_file
    file = Path(named).absolute() if named else settings.secrets_folder / PUBLIC
    if not named and not file.exists():
        return ()
    from edge.keys import parse_public_keys

    try:
        return parse_public_keys(file.read_bytes())
    except OSError as error:
        raise BadSettings(f"operator_public_key_file: {file} {error.strerror}") from error
    except ValueError as error:
        raise BadSettings(f"operator_public_key_file: {file} {error}") from error
