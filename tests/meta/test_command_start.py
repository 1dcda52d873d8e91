"""A command imports packages only when it runs, so that help, usage errors and `token` appear at once."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from cli.main import crewkit_sessions
from runtime.services.ports import free_port
from runtime.services.run_folder import locked_folder
from runtime.settings.secret_making import make_embedded_secrets, make_secrets

# Packages that serve, store, call or draw.
HEAVY = frozenset(
    "aiokafka asyncio chdb clickhouse_connect cramjam faust granian httpx hyperscan litestar lz4 mode numpy obstore "
    "prometheus_client redis rich ssl structlog urllib3 uvloop".split()
)
SIGNING = frozenset({"cryptography", "jwt"})
SIGNERS_NEED = frozenset({"ssl"})  # jwt imports it
LOGGING = frozenset({"asyncio", "rich", "ssl", "structlog"})  # structlog looks for rich, which is hidden from it
DRAWS = frozenset({"pygments", "rich"})  # it would take both for traces on a terminal
DATA_FRAMES = frozenset({"numpy", "pandas", "pyarrow"})  # the engine and its driver would take them
KAFKA = frozenset({"aiokafka", "faust", "mode"})
HTTP = frozenset({"granian", "litestar"})
NEVER = DRAWS | DATA_FRAMES | frozenset({"httpx"})
_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$", re.MULTILINE)


def names(commands: Sequence[click.Command], *group: str) -> Iterator[tuple[str, ...]]:
    """Yield the words that call each command, including commands in groups."""
    for command in commands:
        words = (*group, command.name or "")
        yield words
        if isinstance(command, click.Group):
            yield from names(list(command.commands.values()), *words)


def packages_of(*arguments: str, code: int = 0) -> frozenset[str]:
    """Run `crewkit-sessions ARGUMENTS` in a fresh interpreter; return the top-level packages that it imported."""
    command = [sys.executable, "-X", "importtime", "-P", "-m", "cli", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == code, ended.stderr[-2000:]
    return frozenset(name.partition(".")[0] for name in _IMPORTED.findall(ended.stderr))


WORDS = [(), *names(crewkit_sessions.commands.values())]
HELP_PAGES = """
import os, runpy, sys
import cli.main
for page in sys.argv[1:]:
    if os.fork() == 0:
        sys.argv = ["crewkit-sessions", *page.split(), "--help"]
        try:
            runpy.run_module("cli", run_name="__main__")
        except SystemExit as end:
            print(page, end.code, *sys.modules, sep=",", file=sys.stderr, flush=True)
            os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def help_pages() -> dict[str, tuple[str, frozenset[str]]]:
    """Return the exit code and the top-level packages of each command's help; each page runs in its own process."""
    command = [sys.executable, "-P", "-c", HELP_PAGES, *map(" ".join, WORDS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout.count("Usage: ") == len(WORDS)
    pages = [line.split(",") for line in ended.stderr.splitlines()]
    return {page: (code, frozenset(name.partition(".")[0] for name in names)) for page, code, *names in pages}


@pytest.mark.parametrize("page", [" ".join(words) for words in WORDS])
def test_help_imports_nothing_heavy(page: str, help_pages: dict[str, tuple[str, frozenset[str]]]) -> None:
    """This holds for the overview and for every command's page."""
    code, imported = help_pages[page]

    assert code == "0"
    assert "click" in imported
    assert imported & (HEAVY | SIGNING) == set()


def test_a_token_needs_only_what_signs_it(tmp_path: Path) -> None:
    """Scripts run it before each call. This holds for the installation's key and for an operator's."""
    folder = tmp_path / "secrets"
    make_embedded_secrets(folder)
    ours = packages_of("token", "--org", "acme", "--user", "alice", "--role", "admin", "--secrets", str(folder))
    list(make_secrets(folder, dev_tokens=True))
    operators = packages_of("token", "--operator", "--secrets", str(folder))

    assert ours >= SIGNING
    assert operators >= SIGNING
    assert (ours | operators) & HEAVY <= SIGNERS_NEED


def test_a_wrong_setting_is_refused_without_heavy_imports(tmp_path: Path) -> None:
    """The errors that end a command are known without importing the packages that may raise them."""
    (tmp_path / "settings.toml").write_text("port = 'many'\n")

    imported = packages_of("token", "--operator", "--data", str(tmp_path), code=2)

    assert imported & (HEAVY | SIGNING) == set()


@pytest.mark.parametrize("reason", ["port", "folder"])
def test_up_refuses_to_start_without_heavy_imports(tmp_path: Path, reason: str) -> None:
    """A taken port and a folder in use are found first."""
    with socket.create_server(("127.0.0.1", 0)) as taken, locked_folder(tmp_path, needed=reason == "folder"):
        port = taken.getsockname()[1] if reason == "port" else free_port()
        imported = packages_of("up", "--data", str(tmp_path), "--port", str(port), code=1)

    assert imported & (HEAVY | SIGNING | {"pygments"}) <= LOGGING


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("ingest.log.archive.places", {"obstore"}),  # of `log export` into a folder
        ("runtime.services.embedded", KAFKA),
        ("runtime.services.http_services", KAFKA | {"chdb"}),
        ("runtime.settings.http_settings", KAFKA | {"chdb", "granian", "hyperscan"}),
        ("runtime.services.worker", HTTP | SIGNING | {"chdb", "hyperscan"}),
        ("runtime.services.auditor", KAFKA | {"chdb", "hyperscan"}),
        ("runtime.operations.provisioning", HTTP | SIGNING | {"chdb", "faust", "hyperscan", "mode"}),
        ("devstack.stack", HTTP | SIGNING | KAFKA | {"chdb", "hyperscan"}),
        ("devstack.store_server.process", HTTP | SIGNING | KAFKA | {"chdb", "hyperscan"}),
    ],
)
def test_a_process_imports_only_what_its_work_needs(module: str, unused: frozenset[str]) -> None:
    """Every command imports `runtime.services.logging` first."""
    program = (
        f"import sys, runtime.services.logging, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)

    assert set(ended.stdout.split()) & (unused | NEVER) == set()


def test_the_engine_and_its_driver_take_no_data_frames(tmp_path: Path) -> None:
    """They import the engine and the driver when they first use them: at the start and at the first insert."""
    program = """
import sys
from store.connect import WRITE, connect
from store.engine import load_engine
load_engine()
client = connect(WRITE, interface="chdb", path=sys.argv[1])
client.command("CREATE TABLE t (name String, at DateTime64(3)) ENGINE = MergeTree ORDER BY name")
client.insert("t", [["a", 1]], column_names=["name", "at"])
assert client.query("SELECT name FROM t").result_rows == [("a",)]
print(*{name.partition(".")[0] for name in sys.modules})
"""
    command = [sys.executable, "-P", "-c", program, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert {"chdb", "clickhouse_connect"} <= set(ended.stdout.split())
    assert set(ended.stdout.split()) & DATA_FRAMES == set()
