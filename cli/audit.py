"""`freshness`, `coverage` and `recount`: check that every record is projected and every number is right."""

import sys
from collections import Counter
from datetime import date
from typing import Any

import click

from cli.exits import DIFFERENT, OK
from cli.find_installation import Find, installation_options
from cli.jobs import run_job
from cli.options import Day
from cli.printing import counted, print_found, print_table

REPORT_WITHIN_S = 600.0  # a report looks at everything before it answers
repair_option = click.option(
    "--repair", is_flag=True, help="Repair what is wrong, from the log and the facts, then check again."
)


@click.command()
@installation_options
def freshness(find: Find, as_json: bool) -> None:
    """Show how far the log is projected, and through which moment everything accepted is visible.

    \b
    Example:
      crewkit-sessions freshness --data var/up
    """
    print_found(find().get("/operator/freshness")["data"], as_json, _print_freshness)


@click.command()
@repair_option
@installation_options
def coverage(find: Find, as_json: bool, repair: bool) -> None:
    """Check that every position of the log has a receipt: projected, or stored as a dead letter.

    Exits with 1 if a position has no receipt.

    \b
    Example:
      crewkit-sessions coverage --data var/up
      crewkit-sessions coverage --data var/up --repair
      crewkit-sessions coverage --url http://127.0.0.1:8080 --token "$OPERATOR_TOKEN" --json
    """
    found = _look(find, "/operator/coverage", "complete", repair)
    print_found(found, as_json, _print_coverage)
    sys.exit(OK if found["complete"] else DIFFERENT)


@click.command()
@click.option("--start-date", type=Day(), help="First day on which sessions started (default: the oldest).")
@click.option("--end-date", type=Day(), help="Last day on which sessions started (default: the newest).")
@repair_option
@installation_options
def recount(find: Find, as_json: bool, repair: bool, start_date: date | None, end_date: date | None) -> None:
    """Recompute everything from the facts and compare: sessions with their events, rollups with the sessions.

    Exits with 1 if anything differs. It may run while the installation accepts events; rows that are being
    written at that moment are reported as moving. With years of data, check a few days at a time.

    \b
    Example:
      crewkit-sessions recount --data var/up
      crewkit-sessions recount --data var/up --start-date 2026-01-01 --end-date 2026-01-31
      crewkit-sessions recount --data var/up --start-date 7d
    """
    if start_date and end_date and end_date < start_date:
        raise click.UsageError("--end-date must not be before --start-date")
    days = {name: day.isoformat() for name, day in (("start_date", start_date), ("end_date", end_date)) if day}
    found = _look(find, "/operator/recount", "equal", repair, **days)
    print_found(found, as_json, _print_recount)
    sys.exit(OK if found["equal"] else DIFFERENT)


def _look(find: Find, path: str, verdict: str, repair: bool, **params: Any) -> dict[str, Any]:
    """Return the report, after a repair if requested; its field ``verdict`` says whether everything is right."""
    installation = find()
    found: dict[str, Any] = installation.get(path, within_s=REPORT_WITHIN_S, **params)["data"]
    if repair and not found[verdict]:
        run_job(installation, "repair")
        found = installation.get(path, within_s=REPORT_WITHIN_S, **params)["data"]
    return found


COMMANDS: list[click.Command] = [freshness, coverage, recount]


def _freshness_line(found: dict[str, Any]) -> str:
    silent = [str(partition["partition"]) for partition in found["partitions"] if not partition["complete_through"]]
    if silent or not found["partitions"]:
        return f"freshness: unknown, no report for partition {', '.join(silent) or '0'}: is a projector running?"
    waiting = counted(found["lag_records"], "record waits", "records wait") if found["lag_records"] else "nothing waits"
    return f"freshness: complete through {found['complete_through']}, {waiting}"


def _recount_line(found: dict[str, Any]) -> str:
    compared, moving = found["compared"], sum(found["moving"].values())
    rest = f" ({counted(moving, 'row was', 'rows were')} still moving; run it again for those)" if moving else ""
    if found["equal"]:
        sessions, events = counted(compared["sessions"], "session"), counted(compared["events"], "event")
        quarters, days = counted(compared["rollup_quarters"], "quarter-hour"), counted(compared["rollup_days"], "day")
        return f"recount: equal, {sessions} with {events}, {quarters} and {days} of rollups{rest}"
    tables = ", ".join(sorted({difference["table"] for difference in found["differences"]}))
    many = "more than " if found["truncated"] else ""
    return (
        f"recount: {many}{counted(len(found['differences']), 'difference')} in {tables}{rest}. --repair "
        "recomputes them from the log and the facts"
    )


def _print_freshness(found: dict[str, Any]) -> None:
    rows = [
        (
            *(partition[name] for name in ("partition", "log_end", "projected", "rolled_up", "lag")),
            partition["complete_through"] or "never",
            "" if partition["age_seconds"] is None else f"{partition['age_seconds']:.1f} s",
        )
        for partition in found["partitions"]
    ]
    print_table(("partition", "log end", "projected", "in rollups", "lag", "complete through", "age"), rows)
    seen = found["events_of_a_day"]
    events = f"{counted(seen['events'], 'event')} of the last day's sessions"
    if seen["unknown_events"]:
        unknown = f"{seen['unknown_share']:.2%} unknown, {seen['unknown_events']} of {events}"
        click.echo(f"event types: {unknown}; GET /api/v1/operator/clients lists them")
    else:
        click.echo(f"event types: all known, in {events}")
    click.echo(_freshness_line(found))


def _print_coverage(found: dict[str, Any]) -> None:
    counts = ("partition", "end", "projected", "dead", "erased", "missing")
    rows = [tuple(partition[name] for name in counts) for partition in found["partitions"]]
    print_table(("partition", "positions", "projected", "dead", "erased", "missing"), rows)
    gaps = [(p["partition"], start, stop - 1, stop - start) for p in found["partitions"] for start, stop in p["gaps"]]
    if gaps:
        print_table(("partition", "first missing", "last missing", "positions"), gaps)
    positions = f"{counted(found['positions'], 'position')} of {counted(len(found['partitions']), 'partition')}"
    if found["complete"]:
        click.echo(f"coverage: complete, {positions}")
    else:
        click.echo(
            f"coverage: {found['missing']:,} missing of {positions}. Project them with --repair: "
            "on start, projectors check only what arrived since their last check"
        )


def _print_recount(found: dict[str, Any]) -> None:
    different = Counter(difference["table"] for difference in found["differences"])
    tables = [(name, found["compared"][name], count, different[name]) for name, count in found["moving"].items()]
    print_table(("table", "compared", "moving", "differences"), tables)
    if found["differences"]:
        # A wrong session also makes its buckets wrong.
        causes_first = sorted(found["differences"], key=lambda difference: difference["table"] != "sessions")
        print_table(("table", "key", "column", "stored", "recounted"), map(_difference, causes_first))
    click.echo(_recount_line(found))
    if found["note"]:
        click.echo(found["note"])


def _difference(found: dict[str, Any]) -> tuple[object, ...]:
    key = "\n".join(f"{name}={'∅' if value is None else value}" for name, value in found["key"].items())
    return found["table"], key, found["column"], found["stored"], found["recounted"]
