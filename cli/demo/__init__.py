"""`crewkit-sessions demo`: sends two weeks of a small company's sessions, shows the results and proves them."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.sign_in import open_option


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of a running installation to send to.")
@click.option("--url", help="Base URL of a running installation, instead of --data.")
@click.option("--token", help="With --url: a token with role owner or admin.")
@click.option("--operator-token", help="With --url: a token with role operator, to check recount and coverage too.")
@click.option("--org", default="acme", show_default=True, help="The org to send to.")
@click.option("--sessions", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Number of sessions.")
@click.option(
    "--events", default=50_000, show_default=True, type=click.IntRange(180, 10_000_000), help="Number of hook events."
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same data.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Also draw the results in this SVG file.")
@click.option("--keep", is_flag=True, help="Leave the demo's installation running.")
@open_option
def demo(
    data: Path | None,
    url: str | None,
    token: str | None,
    operator_token: str | None,
    org: str,
    sessions: int,
    events: int,
    seed: int,
    svg: Path | None,
    keep: bool,
    opens: bool,
) -> None:
    """Send made-up sessions with all kinds of hook events, show the results and prove that nothing is missing.

    Without --data, --url and API_URL, it starts an installation in a temporary folder and removes it at the end.
    """
    from cli.demo.run import READER, Access, run_demo
    from cli.demo.sessions import TooFewEvents, make_sessions

    if url and not token:
        raise click.UsageError("--url needs --token (create one with `crewkit-sessions token --role admin`)")
    if opens and (url or not (keep or data)):
        raise click.UsageError("--open needs --keep or --data, so that the installation runs and makes a link")
    if svg and not svg.parent.is_dir():
        raise click.UsageError(f"--svg: the folder {svg.parent} does not exist")
    given = Access(url, {READER: token}, operator_token) if url and token else None
    try:
        made = make_sessions(seed, sessions, events, datetime.now(UTC))
    except TooFewEvents as reason:
        raise click.UsageError(str(reason)) from reason
    sys.exit(run_demo(given, data, org, made, keep, svg, opens))
