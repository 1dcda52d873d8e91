"""A command imports what it needs once it runs, so that help, usage errors and `token` appear at once."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS
from runtime.secret_making import make_embedded_secrets, make_secrets

# What serves, stores, calls or draws.
HEAVY = frozenset(
    "aiokafka asyncio chdb clickhouse_connect cramjam faust granian httpx hyperscan litestar lz4 mode numpy "
    "prometheus_client redis rich ssl structlog urllib3 uvloop".split()
)
SIGNING = frozenset({"cryptography", "jwt"})
SIGNERS_NEED = frozenset({"ssl"})  # jwt imports it
_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$", re.MULTILINE)


def names(commands: Sequence[click.Command], *group: str) -> Iterator[tuple[str, ...]]:
    """Yield the words that call each command, those of groups included."""
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


@pytest.mark.parametrize("words", [(), *names(COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    """This holds for the overview and for the page of every command."""
    imported = packages_of(*words, "--help")

    assert "click" in imported
    assert imported & (HEAVY | SIGNING) == set()


def test_a_token_needs_only_what_signs_it(tmp_path: Path) -> None:
    """Scripts run it before each call. This holds for the key of an installation and for an operator's."""
    folder = tmp_path / "secrets"
    make_embedded_secrets(folder)
    ours = packages_of("token", "--org", "acme", "--user", "alice", "--role", "admin", "--secrets", str(folder))
    list(make_secrets(folder, dev_tokens=True))
    operators = packages_of("token", "--operator", "--secrets", str(folder))

    assert ours >= SIGNING
    assert operators >= SIGNING
    assert (ours | operators) & HEAVY <= SIGNERS_NEED


def test_a_wrong_setting_is_refused_without_heavy_imports(tmp_path: Path) -> None:
    """The errors that end a command are known without the packages that may raise them."""
    (tmp_path / "settings.toml").write_text("port = 'many'\n")

    imported = packages_of("token", "--operator", "--data", str(tmp_path), code=2)

    assert imported & (HEAVY | SIGNING) == set()
