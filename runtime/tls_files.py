"""Read the TLS files that settings name: trusted authorities, certificate and key."""

import ssl
from pathlib import Path

from msgspec import Struct

from runtime.secret_files import read_secret
from runtime.settings import BadSettings


class TlsFiles(Struct, frozen=True):
    """Paths; an empty one is not set. Without ``ca`` the authorities of the system are trusted.

    The key may be in the file of the certificate.
    """

    prefix: str  # of the settings, to name them in errors: kafka_ca_file …
    ca: str
    cert: str
    key: str
    key_password: str = ""

    @property
    def given(self) -> list[str]:
        """The names of the settings that are set."""
        named = {"ca_file": self.ca, "cert_file": self.cert, "key_file": self.key}
        named["key_password_file"] = self.key_password
        return [f"{self.prefix}_{name}" for name, path in named.items() if path]


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a client's context for TLS 1.2 or newer, which verifies the server's certificate and name.

    Raises:
        BadSettings: a file is missing or not a certificate or key, or other accounts can read the key.
    """
    if files.key and not files.cert:
        raise BadSettings(f"{files.prefix}_key_file needs {files.prefix}_cert_file, the certificate that it belongs to")
    for name, path in ((f"{files.prefix}_ca_file", files.ca), (f"{files.prefix}_cert_file", files.cert)):
        if path and not Path(path).is_file():
            raise BadSettings(f"{name}: there is no {path}")
    context = _trusting(files)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.cert:
        _load_own(context, files)
    return context


def secret_of(setting: str, path: str) -> str:
    """Return the secret in a file that a setting names.

    Raises:
        BadSettings: it is missing, empty, or other accounts can read it.
    """
    try:
        secret = read_secret(Path(path))
    except FileNotFoundError as error:
        raise BadSettings(f"{setting}: there is no {path}") from error
    if not secret:
        raise BadSettings(f"{setting}: {path} is empty")
    return secret


def _trusting(files: TlsFiles) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=files.ca or None)
    except (ssl.SSLError, OSError) as error:
        raise BadSettings(f"{files.prefix}_ca_file: {files.ca} holds no certificates in PEM ({error})") from error


def _load_own(context: ssl.SSLContext, files: TlsFiles) -> None:
    setting, key = (f"{files.prefix}_key_file", files.key) if files.key else (f"{files.prefix}_cert_file", files.cert)
    secret_of(setting, key)  # refuses a key that other accounts can read
    password = secret_of(f"{files.prefix}_key_password_file", files.key_password) if files.key_password else ""
    try:
        # Never None: OpenSSL would prompt for it at the terminal.
        context.load_cert_chain(files.cert, files.key or None, password=lambda: password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadSettings(
            f"{setting}: {key} is not the private key of {files.cert} in PEM, or its password is wrong ({error})"
        ) from error
