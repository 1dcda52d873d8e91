"""What it takes to follow the files of a session while an agent writes them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from crewkit_hook.transcripts.usage import Sums


class Totals(NamedTuple):
    """What a session used so far. ``is_partial``: something may be missing, so it is a lower bound."""

    models: Sums
    is_partial: bool
    work: dict[str, int] | None = None  # as the batch format has it


class Reading(Protocol):
    """How far the files of a session are read, and what they said. It goes into JSON and comes back."""

    def __init__(self, session_id: str, kept: dict[str, Any] | None = None) -> None:
        """``kept`` is what `kept` returned before."""

    @property
    def kept(self) -> dict[str, Any]:
        """What it needs to go on."""
        ...

    def advance(self, path: str) -> None:
        """Read what is new. ``path`` is the file that the agent names; others are found beside it."""

    def killed(self) -> None:
        """Note that the agent is gone without an end, so that its last words are missing."""

    def totals(self) -> Totals:
        """Return what was read so far."""
        ...

    def about(self) -> dict[str, Any]:
        """Return what was read of the session itself, as the context of a hook."""
        ...
