"""The program that agents run at each event, and the command that runs it.

From a checkout, hooks run a copy in the client's folder: they must outlive the checkout. The copy's folder is named
after its content, since agents keep the command that they started with. An installed client runs where it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from shlex import quote, split
from typing import Any, NamedTuple

from crewkit_hook import spool
from crewkit_hook.agents.registry import AGENTS

PACKAGE = Path(__file__).parent
_HOOK = "crewkit_hook/hook.py"
OURS = _HOOK.encode()  # in every settings file with our hooks


class Program(NamedTuple):
    """A Python, and the package `crewkit_hook` that it runs."""

    python: str
    package: Path

    def command(self, agent: str) -> str:
        """Return the command of an agent's hooks. It exits with 0 and prints nothing, even if the program is gone."""
        return _command(self.python, str(self.package / "hook.py"), agent)


def here() -> Program:
    """Return the program where this client is installed."""
    return Program(sys.executable, PACKAGE)


def lasting() -> Program:
    """Return the program for the hooks of this user: from a checkout, the copy."""
    if not PACKAGE.with_name("pyproject.toml").exists():  # not a checkout
        return here()
    files = sorted(PACKAGE.rglob("*.py"))
    content = b"".join(bytes(file.relative_to(PACKAGE)) + file.read_bytes() for file in files)
    folder = f"program-{hashlib.sha256(content).hexdigest()[:12]}"
    return Program(os.path.realpath(sys.executable), Path(spool.home(), folder, PACKAGE.name))


def install() -> Program:
    """Make the copy that `lasting` names, unless it exists; return the program."""
    program = lasting()
    folder = program.package.parent
    if not program.package.exists():
        temporary = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
        shutil.copytree(PACKAGE, temporary / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        temporary.rename(folder)
    return program


def is_ours(hook: Any) -> bool:
    """Return whether some version of this program, wherever it was installed, wrote a hook's command.

    A command that only mentions this program is the user's own.
    """
    command = hook.get("command") if isinstance(hook, dict) else None
    try:
        python, _, _, program, agent, *_ = split(command if isinstance(command, str) else "")
    except ValueError:  # fewer words, or a quote that is not closed
        return False
    return program.endswith(f"/{_HOOK}") and agent in AGENTS and command == _command(python, program, agent)


def _command(python: str, program: str, agent: str) -> str:
    return f"{quote(python)} -I -S {quote(program)} {agent} $PPID 2>/dev/null || :"
