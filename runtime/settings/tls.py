"""Reads the TLS files that settings name, and checks before the start that the store uses TLS if and only if we do.

After the start, a mismatch would look like an outage.
"""

import ssl
from pathlib import Path

from msgspec import Struct

from runtime.services.http_probe import answers_200
from runtime.settings.private_files import read_secret
from runtime.settings.settings import BadSettings
from store.address import StoreAddress
from store.broken import Broken
from store.tls_errors import speaks_tls, tls_failure, tls_refusal

_ANSWER_S = 2.0


class TlsFiles(Struct, frozen=True):
    """Paths of TLS files; an empty path is not set. Without ``ca``, the system's authorities are trusted.

    The certificate's file may also contain the key.
    """

    prefix: str  # of the settings' names, for errors: kafka_ca_file …
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

    Raises `BadSettings`: a file is missing or not a certificate or key, or other accounts can read the key.
    """
    if files.key and not files.cert:
        raise BadSettings(f"{files.prefix}_key_file needs {files.prefix}_cert_file, the certificate of this key")
    for name, path in ((f"{files.prefix}_ca_file", files.ca), (f"{files.prefix}_cert_file", files.cert)):
        if path and not Path(path).is_file():
            raise BadSettings(f"{name}: {path} does not exist")
    try:
        context = ssl.create_default_context(cafile=files.ca or None)
    except (ssl.SSLError, OSError) as error:
        raise BadSettings(f"{files.prefix}_ca_file: {files.ca} contains no PEM certificates ({error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.cert:
        _load_own(context, files)
    return context


def secret_of(setting: str, path: str) -> str:
    """Return the secret in a file that a setting names. Raises `BadSettings`: it is missing, empty or not private."""
    try:
        secret = read_secret(Path(path))
    except FileNotFoundError as error:
        raise BadSettings(f"{setting}: {path} does not exist") from error
    if not secret:
        raise BadSettings(f"{setting}: {path} is empty")
    return secret


def _load_own(context: ssl.SSLContext, files: TlsFiles) -> None:
    setting, key = (f"{files.prefix}_key_file", files.key) if files.key else (f"{files.prefix}_cert_file", files.cert)
    secret_of(setting, key)  # refuses a key that other accounts can read
    password = secret_of(f"{files.prefix}_key_password_file", files.key_password) if files.key_password else ""
    try:
        # Never None: OpenSSL would ask for the password at the terminal.
        context.load_cert_chain(files.cert, files.key or None, password=lambda: password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadSettings(
            f"{setting}: {key} is not the private key of {files.cert} in PEM, or its password is wrong ({error})"
        ) from error


def check_transport(store: StoreAddress) -> None:
    """Raise `Broken` if TLS with a server fails, or if it speaks TLS and we do not. An unreachable server passes."""
    if store.is_embedded:
        return
    for server in store.each():
        host, port = server.options["host"], server.options["port"]
        said = _secure(server, host, port) if server.options.get("secure") else _plain(host, port)
        if said:
            raise Broken(said)


def _secure(store: StoreAddress, host: str, port: int) -> str | None:
    names = ("ca_cert", "client_cert", "client_cert_key")
    failure = tls_failure(host, port, tls_context(TlsFiles("store", *(store.options.get(name, "") for name in names))))
    if failure is None:
        return None
    if said := tls_refusal(failure, f"{host}:{port}", "STORE"):
        return said
    if _answers_in_clear(host, port):
        return f"{host}:{port} does not speak TLS: check the port and `secure` in STORE_URL"
    return None


def _plain(host: str, port: int) -> str | None:
    if _answers_in_clear(host, port) or not speaks_tls(host, port):
        return None
    return f"{host}:{port} speaks TLS: add ?secure=true to STORE_URL"


def _answers_in_clear(host: str, port: int) -> bool:
    """Return whether a ping without TLS succeeds. Some servers answer it on a TLS port too, but not with 200."""
    return answers_200(host, port, "/ping", timeout_s=_ANSWER_S)
