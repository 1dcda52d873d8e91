"""`erasures show` and `erasures certificate`: how far an erasure is, and the proof that nothing is left."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from cli.find_installation import Find, explaining, org_options
from cli.printing import counted, print_found

_ID = click.argument("erasure_id", type=click.UUID, metavar="ID")


@click.command("show")
@_ID
@org_options("admin")
def show(erasure_id: UUID, find: Find, as_json: bool, org: str) -> None:
    """Show how far an erasure is, and what it waits for.

    \b
    Example:
      crewkit-sessions erasures show 9f8b7a6c-5d4e-4f3a-8b2c-1d0e9f8a7b6c --org acme
    """
    print_found(_found(find, org, erasure_id), as_json, _print_progress)


@click.command("certificate")
@_ID
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write it to.")
@org_options("admin")
def certificate(erasure_id: UUID, out: Path | None, find: Find, as_json: bool, org: str) -> None:
    """Print the certificate of an erasure: where it was checked that nothing is left, and when.

    Fails with what is missing if the erasure is not certified yet.

    \b
    Example:
      crewkit-sessions erasures certificate 9f8b7a6c-5d4e-4f3a-8b2c-1d0e9f8a7b6c --org acme --out DSR-118.json
    """
    found = _found(find, org, erasure_id, "/certificate")
    text = json.dumps(found["data"], indent=2, ensure_ascii=False)
    if out is not None:
        out.write_text(f"{text}\n", "utf-8")
    print_found(found, as_json, lambda _: click.echo(text if out is None else f"written to {out}"))


def _found(find: Find, org: str, erasure_id: UUID, part: str = "") -> Any:
    with explaining(f"{erasure_id} is not the id of an erasure of {org}"):
        return find().get(f"/{org}/erasures/{erasure_id}{part}")


def _print_progress(found: Any) -> None:
    erasure = found["data"]
    what = "the whole org" if erasure["subject"] == "org" else counted(erasure["sessions"], "session")
    records = counted(erasure["records"]["erased"], "record")
    erased = f"{records} of {what}" if erasure["subject"] == "records" else f"{what}, {records}"
    click.echo(f"{erasure['id']}: {erased}, {erasure['state']}")
    for step, at in erasure["steps"].items():
        if at:
            click.echo(f"  {step} {at}")
    for missing in erasure["waits_for"]:
        click.echo(f"  waits: {missing}")
