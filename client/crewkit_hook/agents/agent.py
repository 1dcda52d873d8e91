"""What this client knows about one coding agent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crewkit_hook.settings import Settings
from crewkit_hook.transcripts.past import PastSessions
from crewkit_hook.transcripts.reading import Reading


class Agent(NamedTuple):
    """An agent: where its files are, what its hooks look like there, and how its session files are read."""

    name: str  # as in the addresses of the API
    program: str
    variable: str  # environment variable that names the agent's folder, or the folder above it
    folder: str  # in the home folder
    user_file: str  # the file with a user's hooks, in the agent's folder
    project_file: str  # the file with a project's hooks, in the project
    events: Sequence[str]
    ends: frozenset[str]  # events that end a turn or a run: then totals are reported
    group: Mapping[str, Any]  # what surrounds a hook in the file
    hook: Mapping[str, Any]  # what a hook has besides its command
    without_client: Callable[[Settings], Mapping[str, str]]  # settings with which it sends by itself, by file
    reading: type[Reading]
    past: type[PastSessions] | None = None
    below: str = ""  # the agent's folder, relative to the one that the variable names
    advice: str = ""  # what its user must do after `connect`

    def path(self, project: Path | None) -> Path:
        """Return the file with the hooks of its user or of a project."""
        return self.own_folder / self.user_file if project is None else project / self.project_file

    @property
    def own_folder(self) -> Path:
        """The agent's folder in the home of its user."""
        named = os.environ.get(self.variable)
        return Path(named) / self.below if named else Path.home() / self.folder

    @property
    def is_here(self) -> bool:
        """Whether the agent is on this machine."""
        return self.own_folder.is_dir() or shutil.which(self.program) is not None
