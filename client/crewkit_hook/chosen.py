"""Which installation to connect to: from the options, the former settings, and the user's answers."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from crewkit_hook.connect import Failed
from crewkit_hook.foreign import printable
from crewkit_hook.settings import NotConnected, Settings, check_pattern, load, org_of

_USUAL = "http://127.0.0.1:8080"
DATA = "var/up"  # where `crewkit-sessions up` keeps its data by default


def chosen(home: str, given: argparse.Namespace) -> Settings:
    """Return the settings to connect with. Raises `Failed` if something is missing or wrong."""
    before = so_far(home)
    url = _url(given, before)
    token = _token(given) or (before.token if before and before.url == url else "")
    token = token or _asked("Token (role agent; it is not shown): ", getpass.getpass)
    try:
        org = org_of(token)
    except ValueError as error:
        raise Failed(f"{error}: make one with `crewkit-sessions token --role agent --ttl 365d`") from error
    try:
        for pattern in given.sensitive or ():
            check_pattern(pattern)
    except ValueError as error:
        raise Failed(str(error)) from error
    base = before or Settings(url, org, token)
    return base._replace(
        url=url,
        org=org,
        token=token,
        metadata_only=base.metadata_only if given.metadata_only is None else given.metadata_only,
        sensitive_folders=tuple(dict.fromkeys((*base.sensitive_folders, *(given.sensitive or ())))),
        spool_mb=given.spool_mb or base.spool_mb,
    )


def so_far(home: str) -> Settings | None:
    """Return the former settings; None if there are none, or they are not valid."""
    try:
        return load(home)
    except NotConnected:
        return None


def _url(given: argparse.Namespace, before: Settings | None) -> str:
    """Return the address. A token that this machine makes goes only to the installation that made it."""
    url = given.url
    if given.user:
        data = given.data or DATA
        try:
            url = str(json.loads(Path(data, "run", "address.json").read_text("utf-8"))["url"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise Failed(f"nothing was ever started in {data}: give --data the folder of an installation") from error
    url = url or (before and before.url) or _asked(f"Address of the installation [{_USUAL}]: ", input) or _USUAL
    if not url.startswith(("http://", "https://")):
        raise Failed(f"the address {url!r} must begin with http:// or https://")
    return str(url).rstrip("/")


def _token(given: argparse.Namespace) -> str:
    """Return the token that the options name or make; empty if they do neither."""
    if given.token_file == "-":
        return sys.stdin.read().strip()
    if given.token_file:
        try:
            return Path(given.token_file).read_text("utf-8").strip()
        except OSError as error:
            raise Failed(f"{given.token_file} can't be read: {error}") from error
    if given.user:
        return _made_token(given.data or DATA, given.org, given.user)
    return os.environ.get("CREWKIT_TOKEN", "")


def _made_token(data: str, org: str, user: str) -> str:
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


def _asked(question: str, ask: Callable[[str], str]) -> str:
    if not sys.stdin.isatty():
        raise Failed("give --url, and the token with --token-file or CREWKIT_TOKEN; or --org and --user")
    return ask(question).strip()
