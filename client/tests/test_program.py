"""The program that hooks run: it outlives the checkout, and an agent keeps the one that it started with."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crewkit_hook import program, spool


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the client's folder, as in a checkout, from which this client seems to run."""
    folder = tmp_path / "checkout"
    shutil.copytree(program.PACKAGE, folder / "crewkit_hook", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").touch()
    monkeypatch.setattr(program, "PACKAGE", folder / "crewkit_hook")
    monkeypatch.setenv(spool.HOME_VARIABLE, str(tmp_path / "home"))
    spool.make(spool.home())
    (tmp_path / "home" / spool.SETTINGS).write_text("{}")
    return folder


def run(command: str) -> int:
    """Run a hook without starting a sender; return how many events are waiting."""
    lock = spool.lock_sender(spool.home())
    payload = b'{"session_id": "s", "hook_event_name": "Stop"}'
    subprocess.run(["/bin/sh", "-c", command], env={**os.environ}, input=payload, check=True, timeout=30)
    assert lock is not None
    os.close(lock)
    return len(spool.waiting(spool.home()))


def test_hooks_outlive_the_checkout(checkout: Path) -> None:
    """They run a copy, by a Python that does not belong to the checkout's environment."""
    command = program.install().command("claude-code")
    shutil.rmtree(checkout)

    assert run(command) == 1
    assert str(checkout) not in command
    assert f"{sys.prefix}/" not in command


def test_an_agent_keeps_the_program_it_started_with(checkout: Path) -> None:
    """A new version has another command, and the old one still works; the same version is copied once."""
    before = program.install()
    assert program.install() == before == program.lasting()
    (checkout / "crewkit_hook" / "note.py").open("a").write("\n# changed\n")

    after = program.install()

    assert after == program.lasting() != before
    assert [run(each.command("codex")) for each in (before, after)] == [1, 2]


def test_an_installed_client_runs_where_it_is(checkout: Path) -> None:
    """So an upgrade by a package manager reaches the hooks, and nothing is copied."""
    (checkout / "pyproject.toml").unlink()

    assert program.install() == program.here()
    assert program.here().package == checkout / "crewkit_hook"
    assert not list(Path(spool.home()).glob("program-*"))
