"""One session of the demo, looked into: what its analysis found, and the digest that a next session would be handed."""

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


class Story(Struct, frozen=True):
    """What is shown of a session."""

    session: dict[str, Any]
    findings: dict[str, Any]
    digest: str


async def one_story(api: Api, org: str, sessions: Sequence[dict[str, Any]]) -> Story | None:
    """The longest one of them that has ended; None where there is none that may be told."""
    told = [session for session in sessions if session["status"] == "ended" and not session["sensitive"]]
    if not told:
        return None
    session = max(told, key=lambda session: session["counts"]["events"])
    path, body = f"/{org}/sessions/{session['id']}", msgspec.json.encode({"max_characters": DIGEST_CHARACTERS})
    await api.send("POST", f"{path}/compact", session["user_id"], body, f"demo-{session['id']}")
    digests = await api.get(f"{path}/compactions", wait=True)
    analysis = await api.get(f"{path}/analysis")
    return Story(session, analysis["data"]["findings"], digests["data"][0]["digest"])


def show_story(console: Console, story: Story) -> None:
    """A few lines of the analysis, then the digest as it is."""
    title = story.findings["suggested_title"] or story.session["id"]
    console.print(Text.assemble(" ", ("One session, looked into: ", "bold"), title))
    grid = Table.grid(padding=(0, 2))
    for name, what in _lines(story.findings):
        grid.add_row(Text(name, style="dim"), what)
    console.print(Padding(grid, (1, 0, 1, 1)))
    console.print(
        Text(f" Its digest, in {DIGEST_CHARACTERS} characters, for a session that goes on with it:", style="dim")
    )
    console.print(Padding(Text(story.digest), (1, 0, 1, 3)))


def _lines(findings: dict[str, Any]) -> Iterator[tuple[str, Text]]:
    yield "time", _split(findings["time_split"])
    yield "edited", _listed([f"{_name(row['path'])} ×{row['edits']}" for row in findings["files_edited"]])
    yield "repeated", _listed([f"{row['command']} ×{row['runs']}" for row in findings["repeated_commands"]])
    yield (
        "tests",
        _listed([f"{row['command']}: {row['failures']} of {row['runs']} failed" for row in findings["tests_run"]]),
    )


def _split(split: dict[str, int]) -> Text:
    """A bar with as many blocks as a part has of the whole, and the parts in words."""
    total = split["total_ms"] or 1
    shares = [(name, style, split[f"{name}_ms"] / total) for name, style in PARTS]
    bar = Text.assemble(*(("█" * round(share * BAR), style) for _, style, share in shares), "  ")
    words = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, _, share in shares if share)
    return bar + Text(words)


def _name(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _listed(items: Sequence[str]) -> Text:
    more = len(items) - SHOWN
    return Text("\n".join([*items[:SHOWN], f"and {more} more"] if more > 0 else items) or "–")
