"""An installation on this machine: its address, and tokens that its own command makes."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from crewkit_hook.connect import Failed
from crewkit_hook.printable import printable


def address_in(data: str) -> str:
    """Return the address of the installation with this data folder."""
    try:
        return str(json.loads(Path(data, "run", "address.json").read_text("utf-8"))["url"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Failed(f"nothing was ever started in {data}: give --data the folder of an installation") from error


def make_token(data: str, org: str, user: str) -> str:
    """Return a new token for a user's agents: it can write but not read."""
    beside = Path(sys.executable).with_name("crewkit-sessions")
    command = str(beside) if beside.exists() else shutil.which("crewkit-sessions")
    options = ("--org", org, "--user", user, "--role", "agent", "--ttl", "365d")
    if command is None:
        shown = shlex.join(("crewkit-sessions", "token", *options))
        raise Failed(f"crewkit-sessions is not on this machine: run `{shown}` where it is, and use --token-file here")
    made = subprocess.run([command, "token", "--data", data, *options], capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise Failed(f"`crewkit-sessions token` made no token: {printable(made.stderr.strip())}")
    return made.stdout.strip()
