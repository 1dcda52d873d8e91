"""Caches compiled redaction rules in the user's cache folder: compiling takes 1.5 s of processor time, loading 10 ms.

A file is used only if this account wrote it, no other account can change it, and its digest is right; otherwise it is
replaced. If the folder is not writable, each start compiles the rules.
"""

import contextlib
import hashlib
import os
import platform
from pathlib import Path

from ingest.log.atomic_write import write_durably
from runtime.settings.private_files import cache_folder, open_private, private_folder
from runtime.settings.settings import BadSettings

FILES_MAX = 16  # enough for four versions of the rules
_DIGEST_BYTES = 32
_OTHERS_WRITE = 0o022
_CPU_BYTES_MAX = 8_192  # how much to read of the first processor's description


class RuleCache:
    """A `Cache` of redaction rules in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._processor = folder, _processor()

    def load(self, name: str) -> bytes | None:
        """Return the rules saved under this name on the same kind of processor."""
        try:
            private_folder(self._folder)
            with open(self._file(name), "rb", opener=open_private) as file:
                found = os.fstat(file.fileno())
                ours = found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE
                digest, compiled = file.read(_DIGEST_BYTES), file.read()
        except (OSError, BadSettings):
            return None
        return compiled if ours and digest == self._digest(name, compiled) else None

    def save(self, name: str, compiled: bytes) -> None:
        """Replace the file with this name, and remove the oldest files."""
        with contextlib.suppress(OSError, BadSettings):
            private_folder(self._folder)
            write_durably(self._file(name), self._digest(name, compiled) + compiled)
            for old in sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)[:-FILES_MAX]:
                old.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}-{self._processor}"

    def _digest(self, name: str, compiled: bytes) -> bytes:
        key = f"{name} {self._processor}".encode()
        return hashlib.blake2b(compiled, digest_size=_DIGEST_BYTES, key=key[:64]).digest()


def user_cache() -> RuleCache | None:
    """Return the cache of this account, or None if it has no home."""
    try:
        return RuleCache(cache_folder() / "rules")
    except RuntimeError:
        return None


def _processor() -> str:
    """Return a name for this kind of processor and its features, since compiled rules work on no other kind."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            lines = file.read(_CPU_BYTES_MAX).splitlines()
    except OSError:
        lines = []
    features = [line for line in lines if line.lower().startswith((b"flags", b"features"))][:1]
    return hashlib.blake2b(platform.machine().encode() + b"".join(features), digest_size=8).hexdigest()
