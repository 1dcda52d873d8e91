"""The settings file of each agent, and our hooks in it. Nothing else in the file is ever touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote, split
from typing import Any, NamedTuple

from crewkit_hook import foreign
from crewkit_hook.files import replace

HOOK_PROGRAM = Path(__file__).with_name("hook.py")
BACKUP_SUFFIX = ".before-crewkit-hook"
_OURS = b"crewkit_hook/hook.py"
_FILE_BYTES_MAX = 4 << 20
_INDENT = re.compile(r"\n([ \t]+)\"")

# All events of Claude Code 2.1.332 except `WorktreeCreate`, which expects a path in reply, and `MessageDisplay`, which
# repeats each answer in pieces.
CLAUDE_CODE_EVENTS = (
    *("Setup", "SessionStart", "SessionEnd", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse", "PostToolUse"),
    *("PostToolUseFailure", "PostToolBatch", "PermissionRequest", "PermissionDenied", "PreSkillShellCommand"),
    *("Notification", "SubagentStart", "SubagentStop", "Stop", "StopFailure", "PreCompact", "PostCompact"),
    *("PreModelSwitch", "PostModelSwitch", "TaskCreated", "TaskCompleted", "TeammateIdle", "InstructionsLoaded"),
    *("ConfigChange", "CwdChanged", "DirectoryAdded", "FileChanged", "WorktreeRemove"),
    *("Elicitation", "ElicitationResult"),
)
CODEX_EVENTS = (
    *("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest"),
    *("PreCompact", "PostCompact", "SubagentStart", "SubagentStop", "Stop", "Interrupt"),
)
# Without `BeforeModel`, `AfterModel` and `BeforeToolSelection`, which carry the whole conversation each time, and
# `PreCompress`, which precedes every request.
GEMINI_CLI_EVENTS = (
    *("SessionStart", "SessionEnd", "BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "Notification"),
)


class Broken(Exception):
    """An agent could not read this settings file. The message says where, and what to do."""


class AgentFile(NamedTuple):
    """Where an agent keeps a user's or a project's hooks, and what they look like there."""

    client: str
    program: str  # the agent's own
    variable: str  # environment variable that names the agent's folder, or the home folder
    below: str  # the agent's folder, relative to the one that the variable names
    folder: str  # in the home folder
    user_file: str  # in its folder
    project_file: str  # in a project
    events: Sequence[str]
    matcher: str | None
    timeout: int  # in its own unit

    def path(self, project: Path | None) -> Path:
        """Return the file."""
        if project is not None:
            return project / self.project_file
        return self.own_folder / self.user_file

    @property
    def own_folder(self) -> Path:
        """The agent's folder in the home of its user."""
        named = os.environ.get(self.variable)
        return Path(named) / self.below if named else Path.home() / self.folder

    @property
    def is_here(self) -> bool:
        """Whether the agent is on this machine."""
        return self.own_folder.is_dir() or shutil.which(self.program) is not None

    def command(self) -> str:
        """Return the command of each hook. It exits with 0 and prints nothing, even if this program was removed."""
        return _command(sys.executable, str(HOOK_PROGRAM), self.client)

    def hooks(self) -> dict[str, list[dict[str, Any]]]:
        """Return our hooks: a group for each event."""
        hook = {"type": "command", "command": self.command(), "timeout": self.timeout}
        if self.client == "gemini-cli":
            hook = {"name": "crewkit-hook", **hook}
        group = {"hooks": [hook]} if self.matcher is None else {"matcher": self.matcher, "hooks": [hook]}
        return {event: [group] for event in self.events}


_CLAUDE_CODE = AgentFile(
    client="claude-code",
    program="claude",
    variable="CLAUDE_CONFIG_DIR",
    below="",
    folder=".claude",
    user_file="settings.json",
    project_file=".claude/settings.local.json",
    events=CLAUDE_CODE_EVENTS,
    matcher="",
    timeout=5,
)
_CODEX = AgentFile(
    client="codex",
    program="codex",
    variable="CODEX_HOME",
    below="",
    folder=".codex",
    user_file="hooks.json",
    project_file=".codex/hooks.json",
    events=CODEX_EVENTS,
    matcher=None,
    timeout=3,
)
_GEMINI_CLI = AgentFile(
    client="gemini-cli",
    program="gemini",
    variable="GEMINI_CLI_HOME",
    below=".gemini",
    folder=".gemini",
    user_file="settings.json",
    project_file=".gemini/settings.json",
    events=GEMINI_CLI_EVENTS,
    matcher="*",
    timeout=5_000,
)
FILES: Mapping[str, AgentFile] = {file.client: file for file in (_CLAUDE_CODE, _CODEX, _GEMINI_CLI)}


def check(file: AgentFile, project: Path | None) -> None:
    """Read a file without changing it.

    Raises:
        Broken: the file is not valid, or outside its project.
    """
    path = _target(file, project)
    _without_ours(path, _parsed(path, _content(path)).get("hooks", {}))


def add(file: AgentFile, project: Path | None) -> Path:
    """Put each of our hooks into a file once, and keep a backup of the file beside it; return the file.

    Raises:
        Broken: as `check`; the file is unchanged.
    """
    path = _target(file, project)
    before = _content(path)
    settings = _parsed(path, before)
    before_us = settings.get("hooks", {})
    foreign_hooks = _without_ours(path, before_us)
    hooks = dict(foreign_hooks)
    for event, groups in file.hooks().items():
        hooks[event] = [*hooks.get(event, []), *groups]
    if hooks == before_us:
        return path
    written = _text(
        {**settings, "hooks": {**{event: hooks[event] for event in before_us if event in hooks}, **hooks}}, before
    )
    if foreign_hooks == before_us:  # otherwise there is a backup already
        _keep(path, before)
    replace(path, written, _mode(path))
    return path


def remove(file: AgentFile, project: Path | None) -> bool:
    """Take our hooks out of a file; return whether there were any. If nothing else changed, the backup is restored.

    Raises:
        Broken: as `check`; the file is unchanged.
    """
    path = _target(file, project)
    now = _content(path)
    if now is None or _OURS not in now:
        return False
    settings = _parsed(path, now)
    hooks = _without_ours(path, settings.get("hooks", {}))
    if hooks == settings.get("hooks", {}):
        return False
    rest = (
        {**settings, "hooks": hooks} if hooks else {name: value for name, value in settings.items() if name != "hooks"}
    )
    kept = _kept(path)
    before = _content(kept)
    if before is not None and _same(path, before, rest):
        replace(path, before, _mode(path))
    elif before is None and not rest:
        path.unlink()
    else:
        replace(path, _text(rest, now), _mode(path))
    kept.unlink(missing_ok=True)
    return True


def is_connected(file: AgentFile, project: Path | None) -> bool:
    """Return whether our hooks are in a file."""
    path = file.path(project)
    try:
        hooks = _parsed(path, _content(path)).get("hooks", {})
        return bool(_without_ours(path, hooks) != hooks)
    except Broken:
        return False


def is_current(file: AgentFile, project: Path | None) -> bool:
    """Return whether our hooks in a file run this program, not another or an earlier installation."""
    content = _content(file.path(project)) or b""
    return json.dumps(file.command(), ensure_ascii=False).encode() in content


def _target(file: AgentFile, project: Path | None) -> Path:
    """Return the file with links resolved. Others may have made a project's link, so it must stay in the project.

    Raises:
        Broken: the link leads out of the project.
    """
    path = file.path(project)
    target = Path(os.path.realpath(path))
    if project is not None and Path(os.path.realpath(project)) not in target.parents:
        raise Broken(f"{path} leads out of the project, to {target}: remove the link, then try again")
    return target


def _content(path: Path) -> bytes | None:
    """Return the bytes of a file; None if it does not exist.

    Raises:
        Broken: the file is not a regular file, or is too large.
    """
    if not path.exists():
        return None
    try:
        content = foreign.start_of(str(path), _FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Broken(f"{path} can't be read: {error}") from error
    if len(content) > _FILE_BYTES_MAX:
        raise Broken(f"{path} is larger than {_FILE_BYTES_MAX >> 20} MB: fix it, then try again. It was not changed")
    return content


def _kept(path: Path) -> Path:
    return path.with_name(path.name + BACKUP_SUFFIX)


def _keep(path: Path, before: bytes | None) -> None:
    if before is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _kept(path).unlink(missing_ok=True)
    else:
        replace(_kept(path), before, _mode(path))


def _parsed(path: Path, text: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text and text.strip() else {}
        _text(found, text)  # raises for what can't be written back: NaN, too large a number, half a character
    except RecursionError as error:
        raise Broken(f"{path} is nested too deeply: fix it, then try again. It was not changed") from error
    except ValueError as error:
        raise Broken(
            f"{path} is not valid JSON, which has no comments ({error}): fix it, then try again. It was not changed"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("hooks", {}), dict):
        raise Broken(f"{path} is not in its agent's format: fix it, then try again. It was not changed")
    return found


def _without_ours(path: Path, hooks: dict[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for event, groups in hooks.items():
        if not isinstance(groups, list):
            raise Broken(f"{path}: the hooks of {event} are not a list: fix it, then try again. It was not changed")
        left = [group for group in map(_group_without_ours, groups) if group is not None]
        if left or not groups:
            rest[event] = left
    return rest


def _group_without_ours(group: Any) -> Any:
    if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
        return group
    left = [hook for hook in group["hooks"] if not _is_ours(hook)]
    if len(left) == len(group["hooks"]):
        return group
    return {**group, "hooks": left} if left else None


def _is_ours(hook: Any) -> bool:
    """Return whether some version of this program, wherever it was installed, wrote a hook's command.

    A command that only mentions this program is the user's own.
    """
    command = hook.get("command") if isinstance(hook, dict) else None
    try:
        python, _, _, program, client, *_ = split(command if isinstance(command, str) else "")
    except ValueError:  # fewer words, or a quote that is not closed
        return False
    is_program = program.endswith("/crewkit_hook/hook.py") and client in FILES
    return is_program and command == _command(python, program, client)


def _command(python: str, program: str, client: str) -> str:
    return f"{quote(python)} -I -S {quote(program)} {client} $PPID 2>/dev/null || :"


def _same(path: Path, before: bytes, rest: dict[str, Any]) -> bool:
    """Return whether the rest equals the file as it was before our hooks, apart from events without hooks."""
    try:
        return _without_empty(_parsed(path, before)) == _without_empty(rest)
    except Broken:
        return False


def _without_empty(settings: dict[str, Any]) -> dict[str, Any]:
    hooks = {event: groups for event, groups in settings.get("hooks", {}).items() if groups}
    rest = {name: value for name, value in settings.items() if name != "hooks"}
    return {**rest, "hooks": hooks} if hooks else rest


def _text(settings: Any, like: bytes | None) -> bytes:
    """Return settings as text, in the layout of the file's former text."""
    text = (like or b"").decode("utf-8", "replace")
    found = _INDENT.search(text)
    indent = found[1] if found else "  "
    end = "\n" if text.endswith("\n") or not text else ""
    return (json.dumps(settings, indent=indent, ensure_ascii=False, allow_nan=False) + end).encode()


def _mode(path: Path) -> int:
    """Return the mode of a file, or the one for a new file, which may hold secrets."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o600
