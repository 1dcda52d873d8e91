"""The findings of the analysis of an ended session. The projector writes them, the read side returns them.

Durations are whole milliseconds; times are RFC 3339 in UTC. Texts from the client are cut to a few hundred characters.
The findings of a sensitive session have times and counts only: no commands, no paths, no title.
"""

from msgspec import Struct


class TimeSplit(Struct, frozen=True):
    """Where the time between the first and the last event went; the four parts add up to ``total_ms``.

    ``tools_ms``: a tool was running · ``waiting_for_user_ms``: the model had stopped, or asked for input ·
    ``model_ms``: neither, so the model was at work · ``idle_ms``: no event arrived for more than ten minutes, and no
    tool was running.
    """

    total_ms: int
    tools_ms: int
    model_ms: int
    waiting_for_user_ms: int
    idle_ms: int


class ToolErrorRate(Struct, frozen=True):
    """Calls and errors of one tool; ``error_rate`` is null for errors without calls."""

    tool_name: str
    calls: int
    errors: int
    error_rate: float | None


class RepeatedCommand(Struct, frozen=True):
    """A shell command that ran more than once."""

    command: str
    runs: int
    failures: int


class EditedFile(Struct, frozen=True):
    """A file that was written or edited, and the number of successful edits."""

    path: str
    edits: int


class RunOfTests(Struct, frozen=True):
    """A command that runs tests; ``last_failed``: its latest completed run failed."""

    command: str
    runs: int
    failures: int
    last_failed: bool


class Gap(Struct, frozen=True):
    """A period without events, between an event of type ``after`` and one of type ``before``."""

    started_at: str
    ended_at: str
    duration_ms: int
    after: str
    before: str


class Findings(Struct, frozen=True):
    """The findings of one session.

    ``tool_error_rates`` are sorted by errors, ``repeated_commands`` and ``tests_run`` by runs, ``files_edited`` by
    edits, and ``longest_gaps`` by length, largest first. ``suggested_title`` is the first prompt in one line; null if
    there is none.
    """

    time_split: TimeSplit
    tool_error_rates: list[ToolErrorRate]
    repeated_commands: list[RepeatedCommand]
    files_edited: list[EditedFile]
    tests_run: list[RunOfTests]
    longest_gaps: list[Gap]
    suggested_title: str | None
