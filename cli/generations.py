"""Commands for generations: rebuild the tables from the log, prove the result, switch readers, drop old tables."""

import sys
from typing import Any

import click

from cli.exits import DIFFERENT, OK
from cli.find_installation import Find, installation_options
from cli.jobs import run_job
from cli.printing import print_found, print_table

PATH = "/operator/generations"


@click.command()
@installation_options
def generations(find: Find, as_json: bool) -> None:
    """Show the generations. Each is one set of tables, projected from the whole log.

    States: filling (behind), following (at the end of the log), live (readers use it), dropped.

    \b
    Example:
      crewkit-sessions generations --data var/up
    """
    print_found(find().get(PATH)["data"], as_json, _print_generations)


@click.command()
@click.option("--to", "name", required=True, metavar="NAME", help="Name of the new generation, such as g2.")
@click.option("--rate", type=click.IntRange(min=1), help="Limit in events per second, for a busy machine.")
@installation_options
def replay(find: Find, as_json: bool, name: str, rate: int | None) -> None:
    """Rebuild every table from the log in a new generation, next to the live one, and wait until it has caught up.

    Readers don't see it until `switch`. The installation's processes do the work, and continue if this command is
    interrupted; `generations` shows the progress.

    \b
    Example:
      crewkit-sessions replay --to g2 --data var/up
      crewkit-sessions replay --to g2 --rate 20000 --url https://sessions.example.com --token "$OPERATOR_TOKEN"
    """
    done = run_job(find(), "replay", name, waits=True, rate=rate or 0)
    print_found(done, as_json, _print_replay)


@click.command()
@click.argument("name")
@installation_options
def prove(find: Find, as_json: bool, name: str) -> None:
    """Compare generation NAME with the live one and with itself, while writes continue, and print the report.

    Exits with 1 if anything differs. The report is stored with the generation.

    \b
    Example:
      crewkit-sessions prove g2 --data var/up
      crewkit-sessions prove g2 --data var/up --json > proof.json
    """
    installation = find()
    run_job(installation, "prove", name)
    proof = installation.get(f"{PATH}/{name}/proof")["data"]
    print_found(proof, as_json, lambda found: click.echo("\n".join(found["words"])))
    sys.exit(OK if proof["equal"] else DIFFERENT)


@click.command()
@click.argument("name")
@click.option("--accept-differences", is_flag=True, help="Accept the last report of `prove`, with its differences.")
@installation_options
def switch(find: Find, as_json: bool, name: str, accept_differences: bool) -> None:
    """Switch readers to generation NAME. To go back, run the same command with the old name.

    The switch waits until NAME shows everything that the live generation shows now. Readers follow within a second, and
    no request fails.

    \b
    Example:
      crewkit-sessions switch g2 --data var/up
      crewkit-sessions switch g2 --accept-differences --data var/up
    """
    line = f"{name} is live; `switch` to go back, `drop` what you don't need"
    _do(find, as_json, "switch", name, line, accept_differences=accept_differences)


@click.command()
@click.argument("name")
@installation_options
def drop(find: Find, as_json: bool, name: str) -> None:
    """Drop the tables of generation NAME, which must not be live. They can be rebuilt from the log under a new name.

    \b
    Example:
      crewkit-sessions drop g1 --data var/up
    """
    _do(find, as_json, "drop", name, f"{name} is dropped", waits=True)


@click.command()
@click.argument("name")
@installation_options
def pause(find: Find, as_json: bool, name: str) -> None:
    """Stop projecting into generation NAME until `resume`. A pause survives restarts. Writes and reads continue.

    \b
    Example:
      crewkit-sessions pause g2 --data var/up
    """
    _do(find, as_json, "pause", name, f"{name} is paused")


@click.command()
@click.argument("name")
@installation_options
def resume(find: Find, as_json: bool, name: str) -> None:
    """Resume projecting into the paused generation NAME.

    \b
    Example:
      crewkit-sessions resume g2 --data var/up
    """
    _do(find, as_json, "resume", name, f"{name} is resumed")


def _do(find: Find, as_json: bool, kind: str, name: str, line: str, **options: Any) -> None:
    print_found(run_job(find(), kind, name, **options), as_json, lambda _: click.echo(line))


def _print_replay(done: dict[str, Any]) -> None:
    name, result = done["generation"], done["results"][0]
    caught_up = f"{result['facts']:,} facts of {result['records']:,} records"
    click.echo(f"{name} has caught up: {caught_up}; `prove {name}` compares it")


def _print_generations(found: list[dict[str, Any]]) -> None:
    columns = ("name", "state", "facts", "records left", "fold version", "made at", "last proof", "live since")
    print_table(columns, map(_row, found))


def _row(found: dict[str, Any]) -> tuple[object, ...]:
    state = found["state"] + (", paused" if found["paused"] else "")
    since = found["switches"][-1]["at"] if found["state"] == "live" else ""
    facts, left = ("", "") if found["state"] == "dropped" else (found["facts"], found["lag_records"])
    last, proof = found["proof"], "none"
    if last is not None:
        proof = f"{'equal to' if last['equal'] else 'differs from'} {last['compared_with']}, {last['at']}"
    return found["name"], state, facts, left, found["fold_version"], found["made_at"], proof, since


COMMANDS: list[click.Command] = [generations, replay, prove, switch, drop, pause, resume]
