"""Remote and branch of a working folder, from git's files; and remotes without the credentials in them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from crewkit_hook import foreign
from crewkit_hook.note import GIT_BYTES_MAX

_BRANCH = "ref: refs/heads/"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SCP = re.compile(r"(?:([^/]*)@)?([^/@:]{2,}):((?!/?/).*)", re.DOTALL)
_PORT = re.compile(r"\d*")
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def described(header: Mapping[str, str]) -> dict[str, str]:
    """Return `remote_url` and `branch` from what a hook noted, as far as they are known."""
    said = {}
    head = header.get("head", "")
    if head.startswith(_BRANCH):
        said["branch"] = head[len(_BRANCH) :][:512]
    if header.get("git") and (remote := _remote(header["git"])):
        said["remote_url"] = remote
    return said


def _remote(git: str) -> str:
    """Return the address of the only remote, else of `origin`, from the first 64 KB of git's `config`."""
    try:
        content = foreign.start_of(str(_common(Path(git)) / "config"), GIT_BYTES_MAX + 1)
    except OSError:
        return ""
    whole_lines = content if len(content) <= GIT_BYTES_MAX else content[: content.rfind(b"\n", 0, GIT_BYTES_MAX) + 1]
    remotes = _remotes(whole_lines.decode("utf-8", "replace"))
    return next(iter(remotes.values())) if len(remotes) == 1 else remotes.get('remote "origin"', "")


def _remotes(config: str) -> dict[str, str]:
    """Return the address of each remote. `configparser` is not used: it takes a minute for a line of 64 KB."""
    found: dict[str, str] = {}
    section = ""
    for line in map(str.strip, config.splitlines()):
        name, _, value = line.partition("=")
        if line.startswith("["):
            section = line[1:].partition("]")[0]
            if section.startswith("remote "):
                found.setdefault(section, "")
        elif section in found and name.strip().lower() == "url":
            found[section] = value.strip()
    return found


def _common(git: Path) -> Path:
    """Return the git folder that has `config`: a worktree shares the one of its repository."""
    try:
        named = os.fsdecode(foreign.start_of(str(git / "commondir"), 4_000)).strip()
        common = Path(os.path.realpath(git / named))
    except (OSError, ValueError):
        return git
    return common if Path(os.path.realpath(git)).parent == common / "worktrees" else git


def without_credentials(address: str) -> str:
    """Return what the installation would keep: no password, no query and, except over ssh, no user name.

    Over https the user name may be a token.
    """
    address = address.strip()
    if url := _URL.fullmatch(address):
        scheme, rest = url.groups()
        user, place = _split(rest)
        return f"{scheme}://{_login(user) if 'ssh' in scheme.lower() else ''}{_QUERY.sub('', place)}"
    if scp := _SCP.fullmatch(address):
        user, host, path = scp.groups()
        return f"{_login(user or '')}{host}:{_QUERY.sub('', path)}"
    return address


def _split(rest: str) -> tuple[str, str]:
    """Return the user part and what follows it. If a password has a slash, what looks like the port isn't a number."""
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        user, _, host = authority.rpartition("@")
        return user, f"{host}{slash}{path}"
    if ":" in authority and not _PORT.fullmatch(authority.rpartition(":")[2]) and "@" in path:
        user, _, place = rest.rpartition("@")
        return user, place
    return "", rest


def _login(user: str) -> str:
    name = user.partition(":")[0]
    return f"{name}@" if name else ""
