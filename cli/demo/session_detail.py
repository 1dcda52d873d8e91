"""One session of the demo in detail: its analysis, and the digest for a session that continues it."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.demo.api import Api

DIGEST_CHARACTERS = 900
SHOWN = 3  # files, commands
BAR = 30  # characters
PARTS = (("tools", "cyan"), ("model", "magenta"), ("waiting_for_user", "yellow"), ("idle", "bright_black"))


class SessionDetail(Struct, frozen=True):
    """A session, the findings of its analysis, and its digest."""

    session: dict[str, Any]
    findings: dict[str, Any]
    digest: str


async def read_session_detail(api: Api, org: str, sessions: Sequence[dict[str, Any]]) -> SessionDetail | None:
    """Read the longest ended session, or return None if all are active or sensitive. Raises `CallFailed`."""
    candidates = [session for session in sessions if session["status"] == "ended" and not session["sensitive"]]
    if not candidates:
        return None
    session = max(candidates, key=lambda session: session["counts"]["events"])
    path, body = f"/{org}/sessions/{session['id']}", msgspec.json.encode({"max_characters": DIGEST_CHARACTERS})
    await api.send("POST", f"{path}/compact", session["user_id"], body, f"demo-{session['id']}")
    digests = await api.get(f"{path}/compactions", wait=True)
    analysis = await api.get(f"{path}/analysis")
    return SessionDetail(session, analysis["data"]["findings"], digests["data"][0]["digest"])


def show_session_detail(console: Console, detail: SessionDetail) -> None:
    """Print a summary of the analysis, then the digest verbatim."""
    title = detail.findings["suggested_title"] or detail.session["id"]
    console.print(Text.assemble(" ", ("One session in detail: ", "bold"), title))
    grid = Table.grid(padding=(0, 2))
    for name, text in _analysis_rows(detail.findings):
        grid.add_row(Text(name, style="dim"), text)
    console.print(Padding(grid, (1, 0, 1, 1)))
    console.print(
        Text(f" Its digest, at most {DIGEST_CHARACTERS} characters, for a session that continues it:", style="dim")
    )
    console.print(Padding(Text(detail.digest), (1, 0, 1, 3)))


def _analysis_rows(findings: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    yield "time", _time_bar(findings["time_split"])
    yield "edited", _list([f"{_short_path(row['path'])} ×{row['edits']}" for row in findings["files_edited"]])
    yield "repeated", _list([f"{row['command']} ×{row['runs']}" for row in findings["repeated_commands"]])
    yield (
        "tests",
        _list([f"{row['command']}: {row['failures']} of {row['runs']} failed" for row in findings["tests_run"]]),
    )


def _time_bar(split: dict[str, int]) -> Text:
    """Return a bar with a block for each thirtieth of the time, and the shares in words."""
    total = split["total_ms"] or 1
    shares = [(name, style, split[f"{name}_ms"] / total) for name, style in PARTS]
    bar = Text.assemble(*(("█" * round(share * BAR), style) for _, style, share in shares), "  ")
    words = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, _, share in shares if share)
    return bar + Text(words)


def _short_path(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _list(items: Sequence[str]) -> Text:
    more = len(items) - SHOWN
    return Text("\n".join([*items[:SHOWN], f"and {more} more"] if more > 0 else items) or "–")
