"""`dead-letters`: shows the records that could not be projected, and appends them again."""

from typing import Any

import click

from cli.find_installation import Find, explaining, installation_options
from cli.groups import CommandGroup
from cli.printing import SHOWN_MAX, print_found, print_table

PATH = "/operator/dead-letters"


@click.group("dead-letters", cls=CommandGroup)
def dead_letters() -> None:
    """Show records that could not be projected, and append them again.

    A dead letter is stored with its bytes and its receipt, and later records are projected as usual. Once the code can
    read it, or with a corrected record, `redrive` appends it to the end of the log. Each event counts once.
    """


@dead_letters.command("list")
@installation_options
@click.option("--page", default=1, show_default=True, help="Page to show.")
def list_(find: Find, as_json: bool, page: int) -> None:
    """List the dead letters, newest first.

    \b
    Example:
      crewkit-sessions dead-letters list --data var/up
    """
    print_found(find().get(PATH, page=page, per_page=SHOWN_MAX), as_json, _print_list)


@dead_letters.command()
@click.argument("position")
@installation_options
def show(position: str, find: Find, as_json: bool) -> None:
    """Show a dead letter with its bytes; POSITION is <partition>:<offset>.

    \b
    Example:
      crewkit-sessions dead-letters show 2:1841 --data var/up
    """
    with explaining(f"{position} is not a dead letter: `dead-letters list` shows all of them"):
        found = find().get(f"{PATH}/{position}")["data"]
    print_found(found, as_json, _print_letter)


@dead_letters.command()
@click.argument("position")
@click.option("--record", type=click.File("rb"), help="Corrected record in JSON (- for standard input).")
@installation_options
def redrive(position: str, record: Any, find: Find, as_json: bool) -> None:
    """Append a dead letter to the end of the log again, unchanged or corrected. Its ids must not change.

    \b
    Example:
      crewkit-sessions dead-letters redrive 2:1841 --data var/up
      crewkit-sessions dead-letters redrive 2:1841 --record corrected.json --data var/up
    """
    body = b"{}" if record is None else b'{"record":' + record.read() + b"}"
    with explaining(f"there is no record at {position}: `dead-letters list` shows the positions"):
        found = find().post(f"{PATH}/{position}/redrive", body)["data"]
    done = f"{position} was appended again at {found['redriven_to']}, as a record of session {found['session_id']}"
    print_found(found, as_json, lambda _: click.echo(done))


def _print_list(found: dict[str, Any]) -> None:
    rows = [
        (letter["position"], letter["logged_at"], letter["reason"], letter["size"], ", ".join(letter["redriven_to"]))
        for letter in found["data"]
    ]
    print_table(("position", "logged at", "reason", "bytes", "redriven to"), rows)
    meta = found["meta"]
    click.echo(f"dead letters: {meta['total_count']:,}, page {meta['current_page']} of {max(1, meta['total_pages'])}")


def _print_letter(found: dict[str, Any]) -> None:
    print_table(("", ""), [(name, value) for name, value in found.items() if name not in ("text", "value_base64")])
    click.echo(found["value_base64"] if found["text"] is None else found["text"])
