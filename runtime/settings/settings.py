"""Settings come from options, then the environment, then ``DIR/settings.toml``, under the same name in all three.

For example, the option ``--log-url`` is ``LOG_URL`` in the environment and ``log_url`` in the file.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from edge.names import AUDIENCE, ISSUER

ENGINE_CACHE_BYTES_MAX = 256 << 20
# A URL with a password. The rest of the URL may be wrong in any way, so this matches only the start.
_WITH_PASSWORD = re.compile(r"://[^@/]*:[^@]*@")
_ORIGIN = re.compile(r"\*|https?://[^/\s,]+")


class BadSettings(ValueError):
    """A setting is missing or has a wrong value; the message names it."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. Empty URLs mean the embedded default in ``data``."""

    data: str = "var/up"
    host: str = "127.0.0.1"
    port: int = 8080
    log_url: str = ""
    archive_url: str = ""  # empty: the topic keeps everything
    hot_days: float = 7.0  # for which the topic keeps what is in the archive
    store_url: str = ""
    secrets: str = ""  # folder of the secrets; default: secrets/ in data
    api_url: str = ""  # the installation that commands call; default: the one that runs in data
    generation: str = "g1"
    instance: int = 0
    partitions: int = 0  # 0: as in the installation record
    batch_records: int = 8_000
    batch_wait_s: float = 1.0
    cache_bytes_max: int = 256 << 20  # for the session states in a projector
    engine_cache_bytes_max: int = ENGINE_CACHE_BYTES_MAX  # for all caches of the in-process engine together
    dead_letter_share_max: float = 0.9
    in_flight_bytes_max: int = 64 << 20
    metadata_orgs: str = ""  # comma-separated
    kafka_security: str = "plaintext"
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password_file: str = ""
    kafka_token_command: str = ""  # prints a token for OAUTHBEARER
    kafka_ca_file: str = ""  # empty: the authorities that the system trusts
    kafka_cert_file: str = ""
    kafka_key_file: str = ""
    kafka_key_password_file: str = ""
    store_password_file: str = ""
    store_ca_file: str = ""
    store_cert_file: str = ""
    store_key_file: str = ""
    jwks_file: str = ""  # public keys of the token issuer; with it, token.key grants no access to orgs
    jwks_issuer: str = ISSUER
    jwks_audience: str = AUDIENCE
    revoked_file: str = ""
    operator_public_key_file: str = ""  # default: operator.pub in the secrets folder, if it exists
    dev_tokens: bool = False  # tokens signed with token.key grant access to orgs; always set in `up` and `stack`
    allowed_origins: str = ""  # comma-separated
    writes_per_hour: int = 600_000
    reads_per_hour: int = 60_000
    store_seconds_per_hour: float = 3_600.0  # for each org, in each process
    answer_cache_bytes_max: int = 64 << 20  # for the answers that the read side caches for a second
    write_door: bool = True  # answer events, hooks and OTLP without Litestar
    rate_limit_url: str = ""  # empty: each process counts by itself
    rate_limit_password_file: str = ""
    audit_every_s: float = 60.0  # 0: no background audit
    admin_port: int = 0  # of an HTTP service, only for /livez, /readyz and /metrics; 0: they are at `port`
    admin_host: str = ""  # default: host
    metrics_port: int = 0  # of a projector or an audit; 0: none. HTTP services serve /metrics at their own port

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data).resolve()

    @property
    def secrets_folder(self) -> Path:
        return Path(self.secrets).resolve() if self.secrets else self.folder / "secrets"

    @property
    def orgs_without_content(self) -> frozenset[str]:
        """The orgs with capture mode metadata; all others have capture mode full."""
        return frozenset(name for org in self.metadata_orgs.split(",") if (name := org.strip()))

    @property
    def log(self) -> str:
        return self.log_url or f"sqlite://{self.folder / 'log.sqlite'}"

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of web pages that may call the API. Raises `BadSettings`: one is not an origin."""
        origins = tuple(origin.strip() for origin in self.allowed_origins.split(",") if origin.strip())
        if wrong := next((origin for origin in origins if not _ORIGIN.fullmatch(origin)), None):
            raise BadSettings(f"allowed_origins: {wrong} is not an origin, such as https://app.example.com")
        return origins

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Host and port for health and metrics, if separate. Raises `BadSettings`: it is the port of the API."""
        if self.admin_port and self.admin_port == self.port:
            raise BadSettings(
                f"admin_port: {self.admin_port} is also the port of the API: choose another, or 0 for none"
            )
        return (self.admin_host or self.host, self.admin_port) if self.admin_port else None

    @property
    def store(self) -> str:
        """The store's URL; for the in-process engine it includes the limit on its caches."""
        url = self.store_url or f"chdb://{self.folder / 'store'}"
        own = url.startswith("chdb:") and "?" not in url
        return f"{url}?cache_bytes_max={self.engine_cache_bytes_max}" if own else url


def load_settings(options: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Merge the three sources. Raises `BadSettings`: a setting is wrong; the message names it."""
    names = Settings.__struct_fields__
    given = {name: value for name, value in options.items() if value is not None}
    # Every account on the machine can read a command line, but not an environment.
    for option, instead in (("store_url", "STORE_PASSWORD_FILE"), ("rate_limit_url", "RATE_LIMIT_PASSWORD_FILE")):
        if _WITH_PASSWORD.search(given.get(option, "")):
            raise BadSettings(
                f"{option}: every account on this machine can read a password in an option, "
                f"so write it into a file and name the file in {instead}"
            )
    env = {name: environ[name.upper()] for name in names if environ.get(name.upper())}
    data = Path(given.get("data") or env.get("data") or Settings().data)
    try:
        return msgspec.convert({**_file(data / "settings.toml"), **env, **given}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}") from error


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadSettings(f"data: {path} can't be read by this account: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: {error}") from error
