"""The store server listens on loopback only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.store_server.process import _check_host
from runtime.services.ports import free_ports, is_loopback
from runtime.settings.settings import BadSettings, Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 (what is tried)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(host: str) -> None:
    """This holds for every name of loopback."""
    assert is_loopback(host)
    _check_host(Settings(host=host))


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "", "10.1.2.3", "192.168.1.1", "2001:db8::1", "::ffff:10.1.2.3"])
def test_everything_else_is_refused(host: str) -> None:
    """All interfaces include more than loopback, and an empty host means all interfaces."""
    with pytest.raises(BadSettings, match=r"plain HTTP: listen on 127\.0\.0\.1"):
        _check_host(Settings(host=host))


def test_a_name_counts_by_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address beyond loopback is enough to be refused."""
    found = [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 6, "", ("10.0.0.7", 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_options: found)

    assert not is_loopback("both.example")


def test_it_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Nothing is created in the folder of the store, and nothing listens."""
    options = ("--data", str(tmp_path), "--host", EVERYWHERE, "--port", str(free_ports(1)[0]))
    command = [sys.executable, "-P", "-m", "cli", "store-server", *options]
    env = {**os.environ, "STORE_URL": "clickhouse://crewkit:password@127.0.0.1"}

    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: host: 0.0.0.0 is reachable from other machines")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "store").exists()
