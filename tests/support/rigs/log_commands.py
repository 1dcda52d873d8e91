"""Run `crewkit-sessions log …`, and inspect logs and exports from outside."""

import hashlib
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from subprocess import PIPE

import pytest

from ingest.log.sqlite.file import INSERT, open_for_writing
from runtime.settings.secret_making import make_embedded_secrets
from schemas.log.position import LogRecord
from store.fail_points import VARIABLE
from tests.support.rigs.command_here import Ended, command_here
from tests.support.rigs.forked import PYTHON, run

Row = tuple[int, bytes | None, bytes | None, int]  # offset, key, value, time


def log_here(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run `crewkit-sessions log ARGUMENTS` in this process."""
    return command_here(capsys, "log", *arguments)


def log_killed(point: str, nth: int, *arguments: object) -> int:
    """Run `crewkit-sessions log ARGUMENTS` in another process until a fail point kills it; return its exit code."""
    return run(_line(arguments), {**os.environ, VARIABLE: f"{point}:{nth}:kill"}).returncode


def log_spawned(fail_point: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start `crewkit-sessions log ARGUMENTS` in another process."""
    environment = {**os.environ, VARIABLE: fail_point}
    # A background process of a shell ignores SIGINT, and so would this process.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(_line(arguments), stdout=PIPE, stderr=PIPE, env=environment, preexec_fn=heeds)


def log_limited(file_bytes_max: int, *arguments: object) -> Ended:
    """Run `crewkit-sessions log ARGUMENTS` in another process with a limit on file sizes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

    process = subprocess.Popen(_line(arguments), stdout=PIPE, stderr=PIPE, text=True, preexec_fn=limit)
    output, complaint = process.communicate(timeout=120)
    return Ended(process.returncode, output, complaint)


def _line(arguments: Sequence[object]) -> list[str]:
    return [*PYTHON, "cli", "log", *map(str, arguments)]


def new_data_folder(folder: Path, rows: Iterable[Row] = ()) -> Path:
    """Make a data folder of `up` with secrets and a log of these rows."""
    folder.mkdir(mode=0o700)
    make_embedded_secrets(folder / "secrets")
    connection = open_for_writing(folder / "log.sqlite")
    connection.execute("BEGIN")
    connection.executemany(INSERT, rows)
    connection.execute("COMMIT")
    connection.close()
    return folder


def copy_secrets(source: Path, target: Path) -> Path:
    """Make a data folder with the secrets of another one; return it."""
    target.mkdir(mode=0o700, exist_ok=True)
    (target / "secrets").mkdir(mode=0o700)
    for file in (source / "secrets").iterdir():
        copy = target / "secrets" / file.name
        copy.touch(mode=0o600)
        copy.write_bytes(file.read_bytes())
    return target


def rows_of(folder: Path) -> list[Row]:
    """Return every row of the log of a data folder."""
    connection = sqlite3.connect(folder / "log.sqlite")
    try:
        return connection.execute('SELECT "offset", "key", value, timestamp_ms FROM records ORDER BY 1').fetchall()
    finally:
        connection.close()


def rows_by_key(records: Iterable[LogRecord]) -> dict[bytes | None, list[tuple[bytes | None, int]]]:
    """Return the values and times of each key, in order."""
    found: dict[bytes | None, list[tuple[bytes | None, int]]] = {}
    for record in records:
        found.setdefault(record.key, []).append((record.value, record.timestamp_ms))
    return found


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the hash of every file of a folder, at any depth."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
