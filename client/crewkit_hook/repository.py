"""Remote and branch of a working folder, from the files of git."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

_BRANCH = "ref: refs/heads/"


def described(header: Mapping[str, str]) -> dict[str, str]:
    """Return `remote_url` and `branch` of what a hook noted; without what is not known."""
    said = {}
    head = header.get("head", "")
    if head.startswith(_BRANCH):
        said["branch"] = head[len(_BRANCH) :][:512]
    remote = _remote(Path(header["git"])) if header.get("git") else ""
    if remote:
        said["remote_url"] = remote[:2_048]
    return said


def _remote(git: Path) -> str:
    """Return the address of `origin`, else of the only remote. A worktree shares the settings of its repository."""
    try:
        common = (git / "commondir").read_text("utf-8").strip()
        git = git / common
    except OSError:
        pass
    settings = configparser.RawConfigParser(strict=False, allow_no_value=True, interpolation=None)
    try:
        text = (git / "config").read_text("utf-8", "replace")
        settings.read_string("\n".join(line.strip() for line in text.splitlines()))
    except (OSError, configparser.Error):
        return ""
    remotes = {
        name: settings.get(name, "url", fallback="") for name in settings.sections() if name.startswith("remote ")
    }
    if len(remotes) == 1:
        return next(iter(remotes.values())) or ""
    return remotes.get('remote "origin"') or ""
