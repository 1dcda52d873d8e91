"""Secrets that other accounts can read or change are refused, with a message that says what to do."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import crewkit_sessions
from devstack.stack import Stack
from devstack.store_server.process import run_store_server
from runtime.settings import private_files
from runtime.settings.private_files import read_secret
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import read_or_make_secret, token_key
from runtime.settings.settings import BadSettings, Settings

KEYS = ("seed.key", "id.keys", "token.key")
PASSWORDS = ("store-password", "reader-password")
SERVICES = (("up",), ("stack",))
SIGNS = (("token", "--operator"), ("coverage",), ("recount",), ("freshness",), ("dead-letters", "list"), ("demo",))
READ = [*((command, name) for command in SERVICES for name in KEYS), *((command, "token.key") for command in SIGNS)]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder with all secrets, and the address of an installation that does not run."""
    secrets = tmp_path / "secrets"
    make_embedded_secrets(secrets)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "address.json").write_text('{"url": "http://127.0.0.1:1"}')
    return tmp_path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_secret_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    """The message names the file and the command that repairs it; after that command the secret is read."""
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(mode)

    with pytest.raises(BadSettings, match=f"{file} .*: chmod 600 {file}$"):
        read_secret(file)
    for private in (0o600, 0o400):
        file.chmod(private)
        assert read_secret(file) == "s3cret"


@pytest.mark.parametrize(("command", "name"), READ, ids=lambda given: given if isinstance(given, str) else given[0])
@pytest.mark.usefixtures("own_logging")
def test_every_command_that_needs_a_secret_refuses_an_open_one(
    data: Path, name: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services and tools refuse before they do anything; commands that only sign read only `token.key`."""
    (data / "secrets" / name).chmod(0o644)
    monkeypatch.setenv("HOST", "192.0.2.1")  # a foreign fingerprint, no Java: a service that does not refuse ends here
    monkeypatch.setenv("PATH", str(data))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(BadSettings, match=f"chmod 600 {data}/secrets/{name}"):
        CliRunner().invoke(crewkit_sessions, [*command, "--data", str(data)], catch_exceptions=False)

    assert not (data / "log.sqlite").exists()
    assert not (data / "kafka").exists()


@pytest.mark.parametrize("name", PASSWORDS)
def test_the_passwords_of_the_stack_are_looked_at_too(data: Path, name: str) -> None:
    """The stack refuses the passwords that it passes on, and the store server refuses that of the reader."""
    read_or_make_secret(data / "secrets" / name)
    (data / "secrets" / name).chmod(0o640)

    with pytest.raises(BadSettings, match=f"chmod 600 {data}/secrets/{name}"):
        Stack.on(data, "127.0.0.1", 1)
    if name == "reader-password":
        with pytest.raises(BadSettings, match="chmod 600"):
            run_store_server(Settings(data=str(data), store_url="clickhouse://u:p@127.0.0.1:1"))


def test_an_open_folder_of_secrets_is_refused(data: Path) -> None:
    """An account that can write there can replace a key."""
    for mode in (0o750, 0o755, 0o770, 0o1777):
        (data / "secrets").chmod(mode)
        with pytest.raises(BadSettings, match=f"chmod 700 {data}/secrets$"):
            token_key(data / "secrets")


@needs_root
@pytest.mark.parametrize("of", ["", "token.key"])
def test_a_secret_of_another_account_is_refused(data: Path, of: str) -> None:
    """Its owner could change it at any time."""
    os.chown(data / "secrets" / of, 12345, -1)

    with pytest.raises(BadSettings, match=r"another account \(uid 12345\).*chmod [67]00 "):
        token_key(data / "secrets")


def mounted(folder: Path, mode: int) -> Path:
    """Make a volume as Kubernetes does: secrets are links to links, and root owns everything."""
    real = folder / "..2026_11_25"
    real.mkdir()
    (folder / "..data").symlink_to(real.name)
    (real / "token.key").write_text("ab" * 32)
    (real / "token.key").chmod(mode)
    (folder / "token.key").symlink_to("..data/token.key")
    return folder


@needs_root
@pytest.mark.parametrize(("mode", "is_read"), [(0o400, True), (0o440, True), (0o444, False), (0o460, False)])
def test_a_mounted_secret_of_root_may_be_readable_by_a_group(
    tmp_path: Path, mode: int, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`defaultMode: 0400` becomes 0440 if the volume has an `fsGroup`; the volume's default, 0644, is refused."""
    file = mounted(tmp_path, mode) / "token.key"
    monkeypatch.setattr(private_files.os, "geteuid", lambda: 12345)  # a container's account that isn't root

    _read_or_refused(lambda: read_secret(file), is_read)


def test_the_mode_of_a_read_only_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mounted volume is 1777 and read-only; the files in it are still checked."""
    folder = mounted(tmp_path, 0o400)
    folder.chmod(0o1777)
    read_only = type("Disk", (), {"f_flag": os.ST_RDONLY})
    monkeypatch.setattr(private_files.os, "statvfs", lambda _: read_only)

    assert token_key(folder) == b"\xab" * 32
    (folder / "token.key").chmod(0o644)
    _read_or_refused(lambda: token_key(folder), is_read=False)


def _read_or_refused(read: Callable[[], object], is_read: bool) -> None:
    if is_read:
        assert read()
    else:
        with pytest.raises(BadSettings, match="chmod 600"):
            read()
