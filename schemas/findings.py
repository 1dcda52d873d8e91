"""The findings of the analysis of an ended session. The projector writes them, the read side returns them.

Durations are whole milliseconds; times are RFC 3339 in UTC. Texts from the client are cut to a few hundred characters.
The findings of a sensitive session have times and counts only: no commands, no paths, no title.
"""

from typing import Annotated

from msgspec import Struct

from schemas.http import fields
from schemas.http.fields import doc, moment


class TimeSplit(Struct, frozen=True):
    """Where the time between the first and the last event went; the four parts add up to ``total_ms``.

    ``tools_ms``: a tool was running · ``waiting_for_user_ms``: the model had stopped, or asked for input ·
    ``model_ms``: neither, so the model was at work · ``idle_ms``: no event arrived for more than ten minutes, and no
    tool was running.
    """

    total_ms: Annotated[int, doc("Milliseconds from the first to the last event.", 812_400)]
    tools_ms: Annotated[int, doc("Milliseconds during which a tool was running.", 320_500)]
    model_ms: Annotated[int, doc("Milliseconds during which the model was working.", 410_000)]
    waiting_for_user_ms: Annotated[int, doc("Milliseconds during which the session waited for the user.", 81_900)]
    idle_ms: Annotated[int, doc("Milliseconds in gaps of more than ten minutes, while no tool ran.", 0)]


class ToolErrorRate(Struct, frozen=True):
    """Calls and errors of one tool; ``error_rate`` is null for errors without calls."""

    tool_name: fields.ToolName
    calls: fields.Calls
    errors: fields.Errors
    error_rate: Annotated[float | None, doc("Errors divided by calls; null if the number of calls is unknown.", 0.083)]


class RepeatedCommand(Struct, frozen=True):
    """A shell command that ran more than once."""

    command: fields.Command
    runs: fields.Runs
    failures: fields.Failures


class EditedFile(Struct, frozen=True):
    """A file that was written or edited, and the number of successful edits."""

    path: Annotated[str, doc("Path passed to the tool.", "src/upload.py")]
    edits: Annotated[int, doc("Number of successful edits.", 3)]


class RunOfTests(Struct, frozen=True):
    """A command that runs tests; ``last_failed``: its latest completed run failed."""

    command: fields.Command
    runs: fields.Runs
    failures: fields.Failures
    last_failed: Annotated[bool, doc("Whether the latest completed run failed.", False)]


class Gap(Struct, frozen=True):
    """A period without events, between an event of type ``after`` and one of type ``before``."""

    started_at: Annotated[str, moment("Time of the event before the gap.")]
    ended_at: Annotated[str, moment("Time of the event after the gap.", "2026-01-20T10:31:21.900Z")]
    duration_ms: Annotated[int, doc("Length of the gap in milliseconds.", 81_900)]
    after: Annotated[str, doc("Type of the event before the gap.", "Stop")]
    before: Annotated[str, doc("Type of the event after the gap.", "UserPromptSubmit")]


class Findings(Struct, frozen=True):
    """The findings of one session.

    ``tool_error_rates`` are sorted by errors, ``repeated_commands`` and ``tests_run`` by runs, ``files_edited`` by
    edits, and ``longest_gaps`` by length, largest first. ``suggested_title`` is the first prompt in one line; null if
    there is none.
    """

    time_split: Annotated[TimeSplit, doc("Time from the first to the last event; the parts add up to `total_ms`.")]
    tool_error_rates: Annotated[list[ToolErrorRate], doc("Error rate of each tool, most errors first.")]
    repeated_commands: Annotated[list[RepeatedCommand], doc("Shell commands that ran more than once, most runs first.")]
    files_edited: Annotated[list[EditedFile], doc("Files that were written or edited, most edits first.")]
    tests_run: Annotated[list[RunOfTests], doc("Commands that run tests, most runs first.")]
    longest_gaps: Annotated[list[Gap], doc("The longest periods without an event, at most five.")]
    suggested_title: Annotated[str | None, doc("Suggested title: the first prompt, in one line.", "Retry the upload")]
