"""What the sessions of a row achieved, in the form of the rows and of the replies."""

from typing import Any

from msgspec import Struct

from schemas.http import fields


class WorkRow(Struct, frozen=True, kw_only=True):
    """The work of the sessions of a row, summed."""

    lines_added: int
    lines_removed: int
    commits: int
    pull_requests: int
    active_ms: int


class WorkSums(Struct, frozen=True, kw_only=True):
    """The same sums, with times in seconds."""

    lines_added: fields.LinesAdded
    lines_removed: fields.LinesRemoved
    commits: fields.Commits
    pull_requests: fields.PullRequests
    active_seconds: fields.ActiveSeconds


def work_sums(row: WorkRow) -> dict[str, Any]:
    """Return the fields of `WorkSums`."""
    return {
        "lines_added": row.lines_added,
        "lines_removed": row.lines_removed,
        "commits": row.commits,
        "pull_requests": row.pull_requests,
        "active_seconds": row.active_ms / 1000,
    }
