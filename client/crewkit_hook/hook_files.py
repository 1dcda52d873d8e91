"""Our hooks in an agent's settings file. Nothing else in the file is ever touched."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from crewkit_hook import foreign
from crewkit_hook.agents.agent import Agent
from crewkit_hook.files import replace
from crewkit_hook.program import OURS, Program, is_ours

BACKUP_SUFFIX = ".before-crewkit-hook"
_FILE_BYTES_MAX = 4 << 20
_INDENT = re.compile(r"\n([ \t]+)\"")
Json = dict[str, Any]


class Broken(Exception):
    """An agent could not read this settings file. The message says where, and what to do."""

    @classmethod
    def unchanged(cls, problem: str) -> Broken:
        """Return the error for a file that its user has to fix."""
        return cls(f"{problem}: fix it, then try again. It was not changed")


def hooks_of(agent: Agent, program: Program) -> Json:
    """Return our hooks: a group for each event."""
    hook = {"type": "command", "command": program.command(agent.name), **agent.hook}
    return {event: [{**agent.group, "hooks": [hook]}] for event in agent.events}


def check(agent: Agent, project: Path | None) -> None:
    """Read a file without changing it. Raises `Broken` if it is not valid, or outside its project."""
    path = _target(agent, project)
    _without_ours(path, _parsed(path, _content(path)).get("hooks", {}))


def add(agent: Agent, project: Path | None, program: Program) -> Path:
    """Put each of our hooks into a file once, and keep a backup of the file beside it; return the file.

    Raises as `check` does, and then leaves the file unchanged.
    """
    path = _target(agent, project)
    before = _content(path)
    settings = _parsed(path, before)
    found = settings.get("hooks", {})
    others = _without_ours(path, found)
    added = {event: [*others.get(event, []), *groups] for event, groups in hooks_of(agent, program).items()}
    hooks = {**others, **added}
    if hooks == found:
        return path
    in_order = {**{event: hooks[event] for event in found if event in hooks}, **hooks}
    if others == found:  # otherwise there is a backup already
        if before is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _kept(path).unlink(missing_ok=True)
        else:
            replace(_kept(path), before, _mode(path))
    replace(path, _text({**settings, "hooks": in_order}, before), _mode(path))
    return path


def remove(agent: Agent, project: Path | None) -> bool:
    """Take our hooks out of a file; return whether there were any. If nothing else changed, the backup is restored.

    Raises as `check` does, and then leaves the file unchanged.
    """
    path = _target(agent, project)
    now = _content(path)
    if now is None or OURS not in now:
        return False
    settings = _parsed(path, now)
    found = settings.get("hooks", {})
    hooks = _without_ours(path, found)
    if hooks == found:
        return False
    rest = {**settings, "hooks": hooks}
    if not hooks:
        del rest["hooks"]
    before = _content(_kept(path))
    if before is not None and _same(path, before, rest):
        replace(path, before, _mode(path))
    elif before is None and not rest:  # the file was ours
        path.unlink()
    else:
        replace(path, _text(rest, now), _mode(path))
    _kept(path).unlink(missing_ok=True)
    return True


def is_connected(agent: Agent, project: Path | None) -> bool:
    """Return whether our hooks are in a file."""
    path = agent.path(project)
    try:
        hooks = _parsed(path, _content(path)).get("hooks", {})
        return bool(_without_ours(path, hooks) != hooks)
    except Broken:
        return False


def is_current(agent: Agent, project: Path | None, program: Program) -> bool:
    """Return whether our hooks in a file run this program, not another or an earlier installation."""
    content = _content(agent.path(project)) or b""
    return json.dumps(program.command(agent.name), ensure_ascii=False).encode() in content


def _target(agent: Agent, project: Path | None) -> Path:
    """Return the file with links resolved. Others may have made a project's link, so it must stay in the project.

    Raises `Broken` if it leads out of the project.
    """
    path = agent.path(project)
    target = Path(os.path.realpath(path))
    if project is not None and Path(os.path.realpath(project)) not in target.parents:
        raise Broken(f"{path} leads out of the project, to {target}: remove the link, then try again")
    return target


def _content(path: Path) -> bytes | None:
    """Return the bytes of a file; None if it does not exist. Raises `Broken` if it is not regular, or too large."""
    if not path.exists():
        return None
    try:
        content = foreign.start_of(str(path), _FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Broken(f"{path} can't be read: {error}") from error
    if len(content) > _FILE_BYTES_MAX:
        raise Broken.unchanged(f"{path} is larger than {_FILE_BYTES_MAX >> 20} MB")
    return content


def _kept(path: Path) -> Path:
    return path.with_name(path.name + BACKUP_SUFFIX)


def _parsed(path: Path, text: bytes | None) -> Json:
    try:
        found = json.loads(text) if text and text.strip() else {}
        _text(found, text)  # raises for what can't be written back: NaN, too large a number, half a character
    except RecursionError as error:
        raise Broken.unchanged(f"{path} is nested too deeply") from error
    except ValueError as error:
        raise Broken.unchanged(f"{path} is not valid JSON, which has no comments ({error})") from error
    if not isinstance(found, dict) or not isinstance(found.get("hooks", {}), dict):
        raise Broken.unchanged(f"{path} is not in its agent's format")
    return found


def _without_ours(path: Path, hooks: Json) -> Json:
    rest: Json = {}
    for event, groups in hooks.items():
        if not isinstance(groups, list):
            raise Broken.unchanged(f"{path}: the hooks of {event} are not a list")
        left = [group for group in map(_group_without_ours, groups) if group is not None]
        if left or not groups:
            rest[event] = left
    return rest


def _group_without_ours(group: Any) -> Any:
    if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
        return group
    left = [hook for hook in group["hooks"] if not is_ours(hook)]
    if len(left) == len(group["hooks"]):
        return group
    return {**group, "hooks": left} if left else None


def _same(path: Path, before: bytes, rest: Json) -> bool:
    """Return whether the rest equals the file as it was before our hooks, apart from events without hooks."""
    try:
        return _without_empty(_parsed(path, before)) == _without_empty(rest)
    except Broken:
        return False


def _without_empty(settings: Json) -> Json:
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
