"""The secrets of `deploy/compose.yaml`: each is created once, for the services that need it."""

import hashlib
import os
import ssl
import stat
from pathlib import Path

import pytest

from runtime.operations.compose_secrets import close, make_all
from runtime.settings.secrets import id_secrets, operator_signer, token_key

OURS = ("ids", "operator", "limits", "store-provision", "store-projector", "store-query")
FOREIGN = ("clickhouse", "valkey", "proxy", "grafana")


def made(root: Path) -> dict[str, bytes]:
    """Make the secrets; return every file."""
    make_all(root)
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Every start of the installation runs the script."""
    first = made(tmp_path)

    assert made(tmp_path) == first
    assert {name.split("/")[0] for name in first} == {*OURS, *FOREIGN}


def test_what_an_interrupted_run_lacks_is_made(tmp_path: Path) -> None:
    """Each file is created separately; existing ones keep their content."""
    first = made(tmp_path)
    for name in ("grafana/admin-password", "valkey/valkey.conf", "proxy/ca.pem"):
        (tmp_path / name).unlink()

    second = made(tmp_path)

    assert second.keys() == first.keys()
    assert {name for name in first if second[name] != first[name]} == {"grafana/admin-password"}


def test_no_service_has_the_key_of_operators(tmp_path: Path) -> None:
    """Services verify operators' tokens, but can't sign any."""
    files = made(tmp_path)

    assert {name for name in files if name.endswith("operator.key")} == {"operator/operator.key"}
    assert id_secrets(tmp_path / "ids")
    assert token_key(tmp_path / "ids") == token_key(tmp_path / "operator")
    assert not isinstance(operator_signer(tmp_path / "operator"), bytes)


def test_the_store_gets_digests_of_the_passwords(tmp_path: Path) -> None:
    """They are in the variables of `users.d/crewkit.xml`; the one for BI is Grafana's own password."""
    files = made(tmp_path)
    digests = dict(line.split("=") for line in files["clickhouse/passwords.env"].decode().split())

    for user in ("provision", "projector", "query"):
        password = files[f"store-{user}/password"]
        assert digests[f"CREWKIT_{user.upper()}_SHA256"] == hashlib.sha256(password).hexdigest()
    assert digests["CREWKIT_TEAMS_SHA256"] == hashlib.sha256(files["grafana/store-password"]).hexdigest()
    assert files["limits/password"] in files["valkey/valkey.conf"]


def test_the_certificate_can_be_served_and_trusted(tmp_path: Path) -> None:
    """The private key is in no file that clients get."""
    files = made(tmp_path)

    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "proxy" / "proxy.pem")
    assert len(ssl.create_default_context(cafile=str(tmp_path / "proxy" / "ca.pem")).get_ca_certs()) == 1
    assert b"PRIVATE" not in files["proxy/ca.pem"]


def test_files_of_ours_are_for_their_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Third-party images run as their own accounts, and mount only their own files."""
    given: dict[Path, int] = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({path: uid}))
    make_all(tmp_path)

    close(tmp_path, os.geteuid() + 1)

    assert given == dict.fromkeys(tmp_path.rglob("*"), os.geteuid() + 1)
    modes = {(path.parent.name or path.name, stat.S_IMODE(path.stat().st_mode)) for path in given if path.is_file()}
    assert modes == {(name, 0o400) for name in OURS} | {(name, 0o444) for name in FOREIGN}
    folders = {path.name: stat.S_IMODE(path.stat().st_mode) for path in given if path.is_dir()}
    assert folders == dict.fromkeys(OURS, 0o700) | dict.fromkeys(FOREIGN, 0o755)


def test_what_was_given_away_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later run has no right to change the mode of files that belong to another account."""
    make_all(tmp_path)
    monkeypatch.setattr(os, "chown", lambda *_: pytest.fail("given again"))

    close(tmp_path, os.geteuid())
