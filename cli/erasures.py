"""`erase` and `erasures`: erases sessions, all of a user, or an org for good, and shows what was erased."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
import msgspec

from cli.erasure_certificates import certificate, show
from cli.exits import DIFFERENT, OK, end
from cli.find_installation import Find, explaining, installation_options, org_options
from cli.groups import CommandGroup
from cli.jobs import job_bar, run_job
from cli.printing import SHOWN_MAX, counted, print_found, print_table
from schemas.http.requests import POSITIONS_ERASED_MAX, SESSIONS_ERASED_MAX

if TYPE_CHECKING:
    from cli.client import Installation


@click.group("erase", cls=CommandGroup)
def erase() -> None:
    """Erase sessions, all that a user sent, or all of an org, for good: that can't be undone."""


_reason = click.option("--reason", default="", help="Number of a ticket, for the record: no names, since it stays.")
_now = click.option("--now", is_flag=True, help="Sweep at once, not a day later. Needs the role owner.")
_FILE = click.Path(dir_okay=False, path_type=Path)
_yes = click.option("--yes", is_flag=True, help="Don't ask.")


@erase.command("session")
@click.argument("session_ids", type=click.UUID, nargs=-1, required=True, metavar="SESSION_ID...")
@_reason
@_now
@_yes
@org_options("admin")
def erase_session(
    session_ids: tuple[UUID, ...], reason: str, now: bool, yes: bool, find: Find, as_json: bool, org: str
) -> None:
    """Erase sessions: nothing shows them within a second or two, and later events for them are refused.

    \b
    Example:
      crewkit-sessions erase session 0b3d5c1e-7a52-4f0e-9c41-5d2f8a9b6c30 --org acme --reason DSR-118
    """
    first, *others = session_ids
    what = counted(len(session_ids), "session") if others else f"session {first}"
    _check_sure(yes, as_json, f"Erase {what} of {org}")
    with explaining(f"{'one of these' if others else first} is not the id of a session of {org}"):
        _erase(_found(find, now), org, {"kind": "sessions", "session_ids": session_ids}, reason, now, as_json)


@erase.command("user")
@click.argument("user_id", metavar="USER")
@_reason
@_now
@_yes
@org_options("admin")
def erase_user(user_id: str, reason: str, now: bool, yes: bool, find: Find, as_json: bool, org: str) -> None:
    """Erase all that a user has sent so far. To end what comes later, revoke the user's tokens first.

    The sessions that the user began are erased. What the user sent for sessions of others is, too, and these go on
    without it. The erasures, which stay for good, don't name the user. There is one for each 1,000 sessions or 10,000
    records, and --json prints a line for each.

    \b
    Example:
      crewkit-sessions erase user mia --org acme --reason DSR-120
    """
    installation = _found(find, now)
    session_ids, positions = _sessions_of(installation, org, user_id), _positions_of(installation, org, user_id)
    if not session_ids and not positions:
        raise click.ClickException(f"{user_id} has sent nothing for {org}: nothing was erased")
    _check_sure(yes, as_json, _what_of(user_id, installation, org))
    for first in range(0, len(session_ids), SESSIONS_ERASED_MAX):
        some = session_ids[first : first + SESSIONS_ERASED_MAX]
        _erase(installation, org, {"kind": "sessions", "session_ids": some}, reason, now, as_json)
    for first in range(0, len(positions), POSITIONS_ERASED_MAX):
        some = positions[first : first + POSITIONS_ERASED_MAX]
        _erase(installation, org, {"kind": "records", "positions": some}, reason, now, as_json)


@erase.command("org")
@_reason
@_now
@_yes
@org_options("owner")
def erase_org(reason: str, now: bool, yes: bool, find: Find, as_json: bool, org: str) -> None:
    """Erase every session of an org. Whatever is sent for it later is refused.

    \b
    Example:
      crewkit-sessions erase org --org acme --reason DSR-119
    """
    _check_sure(yes, as_json, f"Erase every session of {org}, and refuse new ones,")
    _erase(find(), org, {"kind": "org", "confirm": org}, reason, now, as_json)


def _check_sure(yes: bool, as_json: bool, what: str) -> None:
    if as_json and not yes:
        raise click.UsageError("--json asks nothing, so it needs --yes")
    if not yes:
        click.confirm(f"{what} for good?", abort=True)


def _sessions_of(installation: "Installation", org: str, user_id: str) -> list[str]:
    """Return the ids of all sessions that a user has begun; those that begin meanwhile don't move the others."""
    found: list[str] = []
    page, path = 1, f"/{org}/sessions"
    while more := installation.get(path, user_id=user_id, sort="started_at", per_page=100, page=page)["data"]:
        found += [session["id"] for session in more]
        page += 1
    return found


def _positions_of(installation: "Installation", org: str, user_id: str) -> list[str]:
    """Return the positions of all that a user has sent for sessions of others."""
    found: list[str] = []
    path = f"/{org}/erasures/positions"
    more = installation.get(path, user_id=user_id)["data"]
    while more:
        found += [one["position"] for one in more]
        more = installation.get(path, user_id=user_id, after=found[-1])["data"]
    return found


def _what_of(user_id: str, installation: "Installation", org: str) -> str:
    """Return what is asked for: how much of which sessions."""
    found = installation.get(f"/{org}/erasures/preview", user_id=user_id)["data"]
    own, shared = counted(found["sessions"], "session"), counted(found["shared_sessions"], "session")
    return f"Erase {own} that {user_id} began in {org}, and what {user_id} sent for {shared} of others,"


def _found(find: Find, now: bool) -> "Installation":
    return find("owner") if now else find()


def _erase(
    installation: "Installation", org: str, subject: dict[str, Any], reason: str, now: bool, as_json: bool
) -> None:
    body = {"subject": subject, "reason": reason, **({"now": True} if now else {})}
    found = installation.post(f"/{org}/erasures", msgspec.json.encode(body))
    done = (
        f"erasure {found['data']['id']} is recorded at {found['meta']['position']}: `erasures show` says how far it is"
    )
    print_found(found, as_json, lambda _: click.echo(done))


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
    """Show what was erased, and how far that is."""


erasures.add_command(show)
erasures.add_command(certificate)


@erasures.command("list")
@click.option("--page", default=1, show_default=True, help="Page to show.")
@org_options("admin")
def list_(page: int, find: Find, as_json: bool, org: str) -> None:
    """List the erased sessions of an org, the latest first.

    \b
    Example:
      crewkit-sessions erasures list --org acme
    """
    print_found(find().get(f"/{org}/erasures", page=page, per_page=SHOWN_MAX), as_json, _print_list)


@erasures.command("check")
@click.option("--generation", help="Generation to check; the live one by default.")
@click.option("--erasures", "file", type=_FILE, help="An erasures.jsonl, such as that of the newest export.")
@installation_options
def check(generation: str | None, file: Path | None, find: Find, as_json: bool) -> None:
    """Look for what is erased: in the tables and their files, in the log, and in its archive.

    This reads the whole log. Exits with 1 if anything is left, and says where. After an erasure, `erase sweep` removes
    it from the tables; a topic of Kafka keeps it until the keeper trims it.

    A log that was restored may lack the newest erasures. With --erasures, the log that --data or the settings name must
    have nothing of what that file lists, either.

    \b
    Example:
      crewkit-sessions erasures check --data var/up
      crewkit-sessions erasures check --data var/up --erasures newest/erasures.jsonl
    """
    listed = _look_for_listed(file) if file else []
    done = run_job(find(), "check_erasures", generation) | {"listed": listed}
    print_found(done, as_json, _print_left)
    sys.exit(OK if done["results"][0]["nothing_left"] and not listed else DIFFERENT)


def _look_for_listed(file: Path) -> list[dict[str, Any]]:
    """Return which copies of the log have records of what a file lists."""
    import asyncio

    from ingest.log.archive.refusals import Refused
    from runtime.operations.log_erasures import look_for_listed
    from runtime.settings.settings import load_settings
    from runtime.settings.stack_folder import with_stack

    data = click.get_current_context().params["data"]
    settings = with_stack(load_settings({"data": data and str(data)}))
    try:
        with job_bar("check the list") as show:
            found = asyncio.run(
                look_for_listed(settings, file, lambda share, text: show({"share": share, "text": text}))
            )
    except Refused as error:
        end(str(error))
    return [one._asdict() for one in found if one.records]


def _print_left(job: dict[str, Any]) -> None:
    (left,) = job["results"]
    for table, sessions in left["tables"].items():
        click.echo(f"{table}: rows of {counted(sessions, 'erased session')}")
    if left["parts"]:
        click.echo(
            f"store: {counted(len(left['parts']), 'part')} that may hold deleted rows, such as {left['parts'][0]}"
        )
    for log in left["logs"]:
        if log["records"]:
            click.echo(f"{log['place']}: {counted(log['records'], 'erased record')}, the first at {log['first']}")
    for log in job["listed"]:
        records = f"{counted(log['records'], 'record')} of what is listed, the first at {log['first']}"
        click.echo(f"{log['place']}: {records}: import again with --erasures, or erase these sessions again")
    places = ", ".join(["tables", *(log["place"] for log in left["logs"])])
    if left["nothing_left"] and not job["listed"]:
        click.echo(f"{job['generation']}: nothing is left of what was erased; looked at {places}")


def _print_list(found: dict[str, Any]) -> None:
    columns = ("requested_at", "session_id", "state", "reason", "position", "id")
    print_table(
        [name.replace("_", " ") for name in columns], [[one[name] for name in columns] for one in found["data"]]
    )
    meta = found["meta"]
    click.echo(f"erased: {meta['total_count']:,}, page {meta['current_page']} of {max(1, meta['total_pages'])}")
