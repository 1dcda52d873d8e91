"""Python runs this at startup if this folder is on PYTHONPATH: it gives the processes fold version 4.

That version counted the larger number of prompts of hooks and telemetry, and recognised denied tool calls only by the
answer that the model received.
"""

from processors.fold import fold
from processors.fold.permissions import DENIED_BY_TEXT
from processors.fold.state import Asked, TaskState
from processors.projections import parsing, sessions

fold.FOLD_VERSION = 4


def _prompts(asked: Asked) -> int:
    by_hooks, by_telemetry = sum(asked.by_hooks.values()), sum(asked.by_telemetry.values())
    return max(by_hooks + asked.bare_by_hooks, by_telemetry + asked.bare_by_telemetry)


def _is_denied(use: TaskState) -> bool:
    return use.denied or bool(use.signs & DENIED_BY_TEXT)


sessions.prompts = _prompts  # type: ignore[attr-defined]  # the names that it imports
sessions.is_denied = _is_denied  # type: ignore[attr-defined]
parsing.UNAPPROVED = (" needs approval.",)  # type: ignore[attr-defined]
