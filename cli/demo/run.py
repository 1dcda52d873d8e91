"""Runs the demo: starts an installation, sends sessions, shows the results and the proof."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct
from rich.console import Console

from cli.demo import sample_data
from cli.demo.api import Api, CallFailed, Sender
from cli.demo.render import draw_svg, progress_bar, show_proof, show_results
from cli.demo.results import DemoCheck, Results, check_results, prove, read_results
from cli.demo.sessions import DemoSession
from cli.demo.temporary_up import DidNotStart, temporary_installation
from cli.exits import AWAY, DIFFERENT, OK, end
from cli.find_installation import address_of
from cli.sign_in import open_browser, request_link
from edge.tokens import TOKEN_TTL_S, issue_token
from runtime.settings.secrets import token_key
from runtime.settings.settings import load_settings
from schemas.http.requests import SignInTokens
from schemas.permissions import OPERATOR_ORG

READER = "demo"


class Access(Struct, frozen=True):
    """URL and tokens of an installation; without an ``operator`` token, the demo skips recount and coverage."""

    url: str
    tokens: dict[str, str]
    operator: str | None


class DemoOutcome(Struct, frozen=True):
    """What the demo shows, and how many events the API rejected."""

    results: Results
    checks: list[DemoCheck]
    proof: list[DemoCheck]
    rejected: int

    @property
    def passed(self) -> bool:
        return not self.rejected and all(check.passed for check in (*self.checks, *self.proof))

    def show(self, console: Console) -> None:
        show_results(console, self.results, self.checks)
        show_proof(console, self.proof)
        if not self.proof:
            console.print("recount and coverage were skipped: they need --operator-token", style="dim")


def run_demo(
    given: Access | None,
    data: Path | None,
    org: str,
    sessions: list[DemoSession],
    keep: bool,
    svg: Path | None,
    opens: bool,
) -> int:
    """Send ``sessions``, draw the results in ``svg`` if given, and return the exit code."""
    console = Console(highlight=False)
    try:
        with _target(console, given, data, org, keep, opens) as target:
            outcome = asyncio.run(_run(console, target, org, sessions))
    except (DidNotStart, CallFailed) as reason:
        end(str(reason), AWAY)
    if svg is not None:
        svg.write_text(draw_svg(outcome.show), encoding="utf-8")
        console.print(f"Picture written to {svg}", markup=False)
    return OK if outcome.passed else DIFFERENT


@contextlib.contextmanager
def _target(
    console: Console, given: Access | None, data: Path | None, org: str, keep: bool, opens: bool
) -> Iterator[Access]:
    if given is not None:
        yield given
        return
    settings = load_settings({"data": data and str(data)})
    if data is not None or settings.api_url:
        if settings.jwks_file:
            raise click.UsageError("jwks_file is set, so the demo can't issue its own tokens: give --url and --token")
        target = _with_tokens(address_of(settings), settings.secrets_folder, org)
        yield target
        _show_link(console, target, opens)
    else:
        with console.status("Starting an installation …") as status, temporary_installation(keep) as (url, folder):
            status.stop()
            target = _with_tokens(url, folder / "secrets", org)
            yield target
            if keep:
                pid = (folder / "run" / "up.pid").read_text().strip()
                where = f"at [bold]{target.url}[/], data in {folder}; stop it with `kill {pid}`."
                console.print(f"\nStill running {where}", soft_wrap=True)
                _show_link(console, target, opens)


def _with_tokens(url: str, secrets: Path, org: str) -> Access:
    key, now = token_key(secrets), time.time()
    tokens = {READER: issue_token(key, READER, org, "admin", TOKEN_TTL_S, now)}
    tokens |= {user: issue_token(key, user, org, "member", TOKEN_TTL_S, now) for user in sample_data.USERS}
    return Access(url, tokens, issue_token(key, READER, OPERATOR_ORG, "operator", TOKEN_TTL_S, now))


async def _run(console: Console, target: Access, org: str, sessions: list[DemoSession]) -> DemoOutcome:
    async with contextlib.aclosing(Api(target.url, target.tokens)) as api:
        console.print(f"[bold]crewkit-sessions demo[/] · {target.url} · org {org}\n")
        fresh = not (await api.get(f"/{org}/sessions", per_page=1))["data"]
        with progress_bar(console) as bar:
            task = bar.add_task("Sending", total=sum(session.events for session in sessions))
            sender = Sender(api, org, sessions, lambda events: bar.advance(task, events))
            await sender.run()
        if sender.rejected or api.repeats:
            console.print(f"{sender.rejected:,} events rejected, {api.repeats:,} requests repeated", style="yellow")
        with console.status("Waiting until everything is visible, then checking …"):
            results = await read_results(api, org, sender.ids)
            proof = await prove(target.url, target.operator) if target.operator else []
    outcome = DemoOutcome(results, check_results(sessions, results, fresh), proof, sender.rejected)
    outcome.show(console)
    return outcome


def _show_link(console: Console, target: Access, opens: bool) -> None:
    """Print a link with a code for the tokens that the demo issued, or open it. It never makes one for given tokens."""

    def report(line: str) -> None:
        console.print(f"\n{line}", soft_wrap=True, markup=False)

    link = request_link(target.url, SignInTokens(target.tokens[READER], target.operator))
    report(f"Open the dashboard: {link or f'{target.url}/  (it asks for a token)'}")
    if opens:
        open_browser(link or f"{target.url}/", report)
