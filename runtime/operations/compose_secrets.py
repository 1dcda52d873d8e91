"""Make the secrets of `deploy/compose.yaml`: each folder is a volume, mounted only by the services that need it.

It runs once, as root in a container without a network, before every other service. Existing secrets stay; the next run
completes an interrupted one.
"""

import hashlib
import ipaddress
import os
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ingest.log.atomic_write import write_whole
from runtime.settings.secret_making import make_secrets
from runtime.settings.secrets import PRIVATE, PUBLIC, TOKENS

OURS = 10001  # uid and gid of the image
STORE_USERS = ("provision", "projector", "query")
FOREIGN = {"clickhouse", "valkey", "proxy", "grafana"}  # mounted by images that run as other accounts
READ_BY_OWNER, READ_BY_ALL = 0o400, 0o444
CERTIFICATE_DAYS = 825
NAMES = ("localhost", "proxy")


def main() -> None:
    """Make the missing secrets below the folder that the first argument names."""
    root = Path(sys.argv[1])
    make_all(root)
    close(root, OURS)
    sys.stdout.write("the secrets exist\n")


def make_all(root: Path) -> None:
    """Make each missing file. The keys for operators have a folder that no service mounts."""
    ids, operator = root / "ids", root / "operator"
    if not (ids / PUBLIC).exists():
        ids.mkdir(exist_ok=True)
        ids.chmod(0o700)  # a new volume is open
        make_secrets(ids, dev_tokens=True)
    operator.mkdir(mode=0o700, exist_ok=True)
    for name in (PRIVATE, TOKENS):
        if (ids / name).exists() and not (operator / name).exists():
            _write(operator / name, (ids / name).read_text())
    (ids / PRIVATE).unlink(missing_ok=True)
    for file, make in _files(root).items():
        if not file.exists():
            _write(file, make())


def close(root: Path, owner: int) -> None:
    """Set owners and modes so that our services and other projects' images can each read their files."""
    for folder in root.iterdir():
        foreign = folder.name in FOREIGN
        for file in folder.iterdir():
            _give(file, READ_BY_ALL if foreign else READ_BY_OWNER, owner)
        _give(folder, 0o755 if foreign else 0o700, owner)


def _give(path: Path, mode: int, owner: int) -> None:
    if path.stat().st_uid != owner:  # otherwise an earlier run did it
        path.chmod(mode)
        os.chown(path, owner, owner)


def _files(root: Path) -> dict[Path, Callable[[], str]]:
    """Return the function that makes each file, in order: later files may read earlier ones."""
    passwords = [root / f"store-{user}" / "password" for user in STORE_USERS]
    passwords += [root / name for name in ("grafana/store-password", "grafana/admin-password", "limits/password")]
    return dict.fromkeys(passwords, lambda: secrets.token_hex(32)) | {
        root / "clickhouse" / "passwords.env": lambda: _hashes(root),
        root / "valkey" / "valkey.conf": lambda: _valkey_config((root / "limits" / "password").read_text()),
        root / "proxy" / "proxy.pem": lambda: _certificate(datetime.now(UTC)),
        root / "proxy" / "ca.pem": lambda: _public_part((root / "proxy" / "proxy.pem").read_text()),
    }


def _hashes(root: Path) -> str:
    """Return the variables of `deploy/clickhouse/users.d/crewkit.xml`."""
    files = {user: root / f"store-{user}" / "password" for user in STORE_USERS}
    files["teams"] = root / "grafana" / "store-password"
    digests = {user: hashlib.sha256(file.read_bytes()).hexdigest() for user, file in files.items()}
    return "".join(f"CREWKIT_{user.upper()}_SHA256={digest}\n" for user, digest in digests.items())


def _valkey_config(password: str) -> str:
    """Return the settings of a server that only counts: it writes nothing to disk."""
    return f'requirepass {password}\nsave ""\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy volatile-ttl\n'


def _certificate(now: datetime) -> str:
    """Return a key and its self-signed certificate, valid for this machine and for other containers."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crewkit-sessions on this machine")])
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, NAMES), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (certificate.public_bytes(Encoding.PEM) + private).decode()


def _public_part(pem: str) -> str:
    end = "-----END CERTIFICATE-----\n"
    return pem[: pem.index(end) + len(end)]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(file, text)


if __name__ == "__main__":
    main()
