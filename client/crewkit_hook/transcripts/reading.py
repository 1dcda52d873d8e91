"""The interface for following a session's files while an agent writes them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from crewkit_hook.transcripts.usage import Sums


class Totals(NamedTuple):
    """What a session has used so far. ``is_partial``: something may be missing, so the totals are a lower bound."""

    models: Sums
    is_partial: bool
    work: dict[str, int] | None = None  # as in the batch format


class Reading(Protocol):
    """How far the files of a session were read, and what they said. The state is stored as JSON between calls."""

    def __init__(self, session_id: str, kept: dict[str, Any] | None = None) -> None:
        """``kept`` is what `kept` returned before."""

    @property
    def kept(self) -> dict[str, Any]:
        """The state from which a later instance goes on."""
        ...

    def advance(self, path: str) -> None:
        """Read what is new. ``path`` is the file that the agent names; related files are found from it."""

    def killed(self) -> None:
        """Note that the agent is gone without an end, so its last lines are missing."""

    def totals(self) -> Totals:
        """Return the totals read so far."""
        ...

    def about(self) -> dict[str, Any]:
        """Return what the files say about the session itself, as the context of a hook."""
        ...
