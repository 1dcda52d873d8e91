"""The interface for following a session's files while an agent writes them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from crewkit_hook.transcripts.lines import instant
from crewkit_hook.transcripts.usage import Sums, report_of


class Totals(NamedTuple):
    """What a session has used so far. ``is_partial``: something may be missing, so the totals are a lower bound."""

    models: Sums
    is_partial: bool
    work: dict[str, int] | None = None  # as in the batch format


class Reading(Protocol):
    """How far the files of a session were read, and what they said. The state is stored as JSON between calls."""

    kept: dict[str, Any]  # from which a later instance goes on

    def __init__(self, session_id: str, kept: dict[str, Any] | None = None) -> None:
        """``kept`` is that of the instance before."""

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


def report(session_id: str, at_ms: int, totals: Totals, *, has_telemetry: bool = False) -> dict[str, Any] | None:
    """Return running totals; None if there are none. With telemetry, which says more about it, `work` is left out."""
    if not totals.models:
        return None
    found = {
        "session_id": session_id,
        "at": instant(at_ms),
        "model_metrics": {"models": report_of(totals.models)},
        "incomplete": totals.is_partial,
    }
    return found if totals.work is None or has_telemetry else {**found, "work": totals.work}
