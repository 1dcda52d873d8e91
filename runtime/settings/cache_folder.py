"""The folder for files that can be recreated: compiled rules, jars and their archive."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return our folder in `XDG_CACHE_HOME`, by default `~/.cache`. As XDG specifies, ignore a relative path.

    Raises `RuntimeError`: the account has no home.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "crewkit-sessions"
