"""Certificates for tests: authorities and the certificates they sign, as PEM files of mode 600."""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ingest.log.atomic_write import write_whole

HERE = ("127.0.0.1", "localhost")
_DAY = datetime.timedelta(days=1)


class Signed(NamedTuple):
    """A certificate with its key, in separate files and together in one."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """A CA whose certificate is `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        made = _builder(self._name, self._name, self._key, expired=False)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._cert = made.sign(self._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        write_whole(self.file, _pem(self._cert))

    def sign(self, name: str, *hosts: str, expired: bool = False, password: str = "") -> Signed:
        """Sign a certificate with the common name ``name`` for these hosts; return it with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        made = _builder(_name(name), self._name, key, expired=expired).add_extension(usage, critical=False)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        cert = _pem(made.sign(self._key, hashes.SHA256()))
        hidden = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()
        stem = self._folder / f"{self.file.stem}-{name}{'-expired' if expired else ''}{'-locked' if password else ''}"
        files = Signed(*(stem.with_name(f"{stem.name}.{end}") for end in ("crt", "key", "both")))
        for file, text in zip(files, (cert, private, cert + private), strict=True):
            write_whole(file, text)
        return files


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    ends = now - _DAY if expired else now + _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(ends)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(cert: x509.Certificate) -> str:
    return cert.public_bytes(Encoding.PEM).decode()


def server_context(files: Path, trusting: Path | None = None) -> ssl.SSLContext:
    """Return a TLS context with this certificate; if a CA is given, clients need a certificate from it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files)
    if trusting:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusting)
    return context
