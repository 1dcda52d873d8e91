"""`log`: reads the log, backs it up, and moves it to another log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from cli.exits import DIFFERENT, OK, end
from cli.find_installation import json_option
from cli.groups import CommandGroup
from cli.log_records import print_record
from cli.options import settings_options
from cli.printing import counted, print_found
from ingest.log.archive.meter import Meter
from ingest.log.archive.refusals import Damaged, Refused
from runtime.settings.settings import Settings, load_settings
from schemas.log.position import Position

DIR = click.argument("address", metavar="DIR")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=CommandGroup)
def log() -> None:
    """Read the log, back it up, and move it to another log.

    The log is a file (in the embedded default) or a Kafka topic. With only --data DIR, a command finds the log of an
    `up` or a `stack`. All commands except `import` can run while the installation is running.
    """


@log.command()
@settings_options("data", "log_url", "secrets")
@click.option("--session", type=click.UUID, help="Print all records of this session.")
@click.option("--position", help="Print the record at <partition>:<offset>.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many, from --position on.")
def read(session: UUID | None, position: str | None, count: int, **options: Any) -> None:
    """Print records as JSON, one per line: position, time, key, kind and value.

    A value that isn't JSON is in `text` or `value_base64` instead of `value`. On Kafka, --session reads the session's
    whole partition. Exits with 1 if the log has no such record.

    \b
    Example:
      crewkit-sessions log read --position 0:0 --count 3 --data var/up
      crewkit-sessions log read --session 5f3c0a52-6a0f-4f0e-9d5f-0a4d8f3c2b11 --data var/up
    """
    import asyncio

    from runtime.operations.log_export import NotInLog, show_from, show_session

    if (session is None) == (position is None):
        raise click.UsageError("give either --session or --position")
    try:
        at = Position.parse(position or "0:0")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--position") from error
    settings = _settings(options)
    try:
        with _reported() as meter:
            if session is not None:
                asyncio.run(show_session(settings, session, meter, print_record))
            else:
                asyncio.run(show_from(settings, at, count, print_record))
    except NotInLog as error:
        end(str(error))


@log.command()
@DIR
@settings_options("data", "log_url", "secrets")
@json_option
def export(address: str, as_json: bool, **options: Any) -> None:
    """Export the log into DIR, or add new records to an export in DIR.

    DIR is a folder or, in an object store, s3://bucket/prefix, also for `verify` and `import`. The usual variables give
    credentials, region and endpoint: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.

    DIR gets compressed segments of records, and manifest.json with their hashes. It contains every prompt but not the
    secrets: back up the secrets folder too. If an export is interrupted, run the command again to continue.

    What was erased in the log is erased in DIR, too. erasures.jsonl in DIR lists all erasures: keep a copy elsewhere,
    since an import of an older export needs the newest list.

    Exits with 1 if DIR belongs to another log, or if the log no longer has records that were exported before.

    \b
    Example:
      crewkit-sessions log export backup --data var/up
      crewkit-sessions log export s3://backups/crewkit --data var/up
    """
    import asyncio

    from ingest.log.archive.places import place_at
    from runtime.operations.log_export import export as export_into

    settings = _settings(options)
    with _reported() as meter:
        done = asyncio.run(export_into(settings, place_at(address), meter))
    found = {
        "records": done.records,
        "segments": done.segments,
        "bytes": done.bytes,
        "erased": done.erased,
        "records_in_all": done.manifest.records,
        "ends": done.manifest.ends,
    }
    print_found(found, as_json, _print_export)


@log.command()
@DIR
@json_option
def verify(address: str, as_json: bool) -> None:
    """Check every file and every record of an export.

    Checks the manifest against its own hash, each segment against the manifest, and each record: offsets must be dense,
    and a session's key must belong to its partition. erasures.jsonl must list every erasure in the records. Exits with
    1 and names the file if anything is wrong.

    \b
    Example:
      crewkit-sessions log verify backup
    """
    import msgspec

    from ingest.log.archive.places import place_at
    from ingest.log.archive.verify import Verified, verify_export

    with _reported() as meter:
        found: Verified = verify_export(place_at(address), meter)
    print_found({**msgspec.to_builtins(found), "sound": found.is_sound}, as_json, _print_verified)
    sys.exit(OK if found.is_sound else DIFFERENT)


@log.command("import")
@DIR
@settings_options("data", "log_url", "secrets", "partitions")
@click.option("--replication", type=int, default=0, help="Copies of each record (default 3; 1: for development).")
@click.option("--topic-exists", is_flag=True, help="Create no topics; check existing ones.")
@click.option("--erasures", type=_FILE, help="A newer erasures.jsonl than that in DIR.")
@json_option
def import_(
    address: str, as_json: bool, replication: int, topic_exists: bool, erasures: Path | None, **options: Any
) -> None:
    """Import the export in DIR into an empty log: a file, or a Kafka topic, created as by `provision`.

    With the same number of partitions (the default on Kafka), every record keeps its position. With another number,
    each session's records stay in order, in the session's partition. The secrets folder must contain the secrets of
    the exported installation. If an import is interrupted, run the command again to continue.

    What was erased stays erased: the new log has stubs in its place. If DIR is not the latest export, give the latest
    erasures.jsonl to --erasures. What it lists is erased as well; erasures that DIR lacks follow at the end.

    Exits with 1 and changes nothing if the export is damaged or from another installation, or if the log is not empty.

    \b
    Example:
      crewkit-sessions log import backup --data var/new
      crewkit-sessions log import backup --data var/new --erasures newest/erasures.jsonl
      crewkit-sessions log import backup --log-url kafka://k1:9092,k2:9092,k3:9092 --partitions 64
    """
    from ingest.log.archive.places import place_at
    from ingest.log.kafka.provision import Wish
    from runtime.operations.log_import import import_log

    settings = _settings(options)
    with _reported() as meter:
        wish = Wish(replication, makes_topics=not topic_exists)
        done = import_log(settings, place_at(address), wish, meter, erasures)
    found = {
        "added": done.imported.added,
        "found": done.imported.found,
        "partitions": done.partitions,
        "same_positions": done.same_positions,
    }
    print_found(found, as_json, _print_import)


def _settings(options: dict[str, Any]) -> Settings:
    from runtime.settings.stack_folder import with_stack

    return with_stack(load_settings(options))


@contextmanager
def _reported() -> Iterator[Meter]:
    """Yield a meter; report a refusal or an interruption in one sentence, and exit with 1."""
    import structlog

    from cli.progress import metered

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))  # standard output is for results
    try:
        with metered() as meter:
            yield meter
    except (Damaged, Refused) as error:
        end(str(error))
    except KeyboardInterrupt:
        end("interrupted; an export or import continues when the command runs again")


def _print_export(found: dict[str, Any]) -> None:
    added = f"{counted(found['records'], 'record')} added in {counted(found['segments'], 'segment')}"
    erased = (
        f"; {counted(found['erased'], 'erased record is', 'erased records are')} stubs now" if found["erased"] else ""
    )
    in_all = counted(found["records_in_all"], "record")
    click.echo(f"export: {added}, {found['bytes'] / 1e6:,.1f} MB{erased}; {in_all} in all")


def _print_verified(found: dict[str, Any]) -> None:
    for finding in found["findings"]:
        click.echo(f"{finding['file']}: {finding['what']}")
    if found["misplaced"]:
        keys = counted(found["misplaced"], "record has a key", "records have keys")
        click.echo(f"{keys} from another partition; in the log they are dead letters")
    held = f"{counted(found['records'], 'record')} of {counted(found['partitions'], 'partition')}"
    size = f"{held} in {counted(found['segments'], 'segment')}, {found['bytes'] / 1e6:,.1f} MB"
    damaged = counted(len(found["findings"]), "file is damaged", "files are damaged")
    click.echo(f"verify: sound, {size}" if found["sound"] else f"verify: {damaged}")


def _print_import(found: dict[str, Any]) -> None:
    there = f" ({found['found']:,} there before)" if found["found"] else ""
    where = "at their old positions" if found["same_positions"] else "each in the partition of its session"
    added = f"{counted(found['added'], 'record')} added{there}"
    click.echo(f"import: {added}, {where}; the log has {counted(found['partitions'], 'partition')}")
