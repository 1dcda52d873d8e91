"""`erase` and `erasures`: erases sessions for good, and shows which were."""

from typing import Any
from uuid import UUID

import click
import msgspec

from cli.find_installation import Find, explaining, installation_options, org_options
from cli.groups import CommandGroup
from cli.jobs import run_job
from cli.printing import SHOWN_MAX, print_found, print_table


@click.group("erase", cls=CommandGroup)
def erase() -> None:
    """Erase sessions for good: that can't be undone."""


@erase.command("session")
@click.argument("session_id", type=click.UUID)
@click.option("--reason", default="", help="Number of a ticket, for the record: no names, since it stays.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@org_options
def erase_session(session_id: UUID, reason: str, yes: bool, find: Find, as_json: bool, org: str) -> None:
    """Erase a session: nothing shows it within a second or two, and later events for it are erased, too.

    \b
    Example:
      crewkit-sessions erase session 0b3d5c1e-7a52-4f0e-9c41-5d2f8a9b6c30 --org acme --reason DSR-118
    """
    if as_json and not yes:
        raise click.UsageError("--json asks nothing, so it needs --yes")
    if not yes:
        click.confirm(f"Erase session {session_id} of {org} for good?", abort=True)
    body = {"subject": {"kind": "session", "session_id": session_id}, "reason": reason}
    with explaining(f"{session_id} is not the id of a session of {org}"):
        found = find().post(f"/{org}/erasures", msgspec.json.encode(body))
    done = f"erasure {found['data']['id']} is recorded at {found['meta']['position']}: `erasures list` shows its state"
    print_found(found["data"], as_json, lambda _: click.echo(done))


@erase.command("sweep")
@click.option("--generation", help="Generation to sweep; the live one by default.")
@installation_options
def sweep(generation: str | None, find: Find, as_json: bool) -> None:
    """Remove what is erased from the store's disk, and in `up` from the log, too. Takes about ten minutes.

    The store keeps old files for eight minutes after it has written new ones. Sweep each generation that exists, as
    shown by `generations`.

    \b
    Example:
      crewkit-sessions erase sweep --data var/up
    """
    done = run_job(find(), "sweep", generation)
    print_found(done, as_json, _print_swept)


def _print_swept(job: dict[str, Any]) -> None:
    (swept,) = job["results"]
    log = "" if swept["records"] is None else f", and {swept['records']:,} records of the log are stubs now"
    click.echo(f"{job['generation']}: rows of {swept['sessions']:,} erased sessions are gone from its files{log}")


@click.group("erasures", cls=CommandGroup)
def erasures() -> None:
    """Show which sessions were erased."""


@erasures.command("list")
@click.option("--page", default=1, show_default=True, help="Page to show.")
@org_options
def list_(page: int, find: Find, as_json: bool, org: str) -> None:
    """List the erased sessions of an org, the latest first.

    \b
    Example:
      crewkit-sessions erasures list --org acme
    """
    print_found(find().get(f"/{org}/erasures", page=page, per_page=SHOWN_MAX), as_json, _print_list)


def _print_list(found: dict[str, Any]) -> None:
    columns = ("requested_at", "session_id", "state", "reason", "position", "id")
    print_table(
        [name.replace("_", " ") for name in columns], [[one[name] for name in columns] for one in found["data"]]
    )
    meta = found["meta"]
    click.echo(f"erased: {meta['total_count']:,}, page {meta['current_page']} of {max(1, meta['total_pages'])}")
