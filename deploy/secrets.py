"""The installation's secrets: files in ``DIR/secrets``, generated at the first start, readable by their owner alone.

``seed.key`` derives everything that must come out the same for ever and never changes. ``id.keys`` holds one key a
line, the first makes ids and all verify, so it may be rotated. ``token.key`` signs tokens (HS256).
"""

import os
import secrets
from pathlib import Path

from schemas.ids import IdSecrets

KEY_BYTES = 32


def id_secrets(folder: Path) -> IdSecrets:
    """The secrets behind ids, made if they are not there yet."""
    lines = kept_secret(folder / "id.keys").split()
    return IdSecrets(tuple(bytes.fromhex(line) for line in lines), bytes.fromhex(kept_secret(folder / "seed.key")))


def token_key(folder: Path) -> bytes:
    """The secret that signs and verifies tokens, made if it is not there yet."""
    return bytes.fromhex(kept_secret(folder / "token.key"))


def kept_secret(file: Path) -> str:
    """The secret in ``file``: 64 hexadecimal digits, made the first time, readable by its owner alone.

    Two processes that start at once agree on one value: the link fails for whoever comes second.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        mine = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_hex(KEY_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(mine, file)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return file.read_text().strip()
