"""`log export` and `log import` of an embedded log from which sessions are erased."""

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest
from backports.zstd import decompress

from cli import erasures, find_installation
from ingest.log.archive.erasures import ERASURES
from ingest.log.archive.manifest import MANIFEST
from ingest.log.archive.segment import SUFFIX
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from schemas.log.codec import is_stub
from schemas.log.position import LogRecord
from tests.support.builders import LogBuilder, hook, recorded, records_erased
from tests.support.builders import session_id as named
from tests.support.rigs.command_here import Ended, command_here
from tests.support.rigs.log_commands import (
    copy_secrets,
    hashes_of,
    log_here,
    log_killed,
    new_data_folder,
    rows_of,
)

NEEDLE = b"needle-5d1f0c"
STEPS = (
    "log.segment_rewritten",
    "log.rewritten_named",
    "log.segment_removed",
    "log.erasures_written",
    "log.erasures_named",
)
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a data folder whose log has records of two sessions."""
    log = LogBuilder(1)
    for number in range(6):
        log.add(recorded(named(number % 2), hook("UserPromptSubmit", prompt=f"{NEEDLE.decode()} {number}")))
    return new_data_folder(tmp_path / "source", [record[1:] for record in log.records])


@pytest.fixture
def export(source: Path, tmp_path: Path, capsys: Capture) -> Path:
    """Export that log, then erase both sessions in it."""
    assert log_here(capsys, "export", tmp_path / "export", "--data", source).code == 0
    asyncio.run(erase(source))
    return tmp_path / "export"


async def erase(source: Path) -> None:
    """Erase both sessions, and sweep the log."""
    log = SqliteEventLog(source / "log.sqlite")
    await log.start()
    for record in LogBuilder(1).add(records_erased(0, named(0), named(1), partitions=1)):
        await log.append(record.key or b"", record.value or b"")
    assert await log.rewrite() == 6
    await log.stop()


def bytes_of(folder: Path) -> bytes:
    files = [(file.name, file.read_bytes()) for file in folder.iterdir() if file.is_file()]
    return b"".join(decompress(content) if name.endswith(SUFFIX) else content for name, content in files)


def test_an_export_follows_a_swept_log(source: Path, export: Path, tmp_path: Path, capsys: Capture) -> None:
    """Its last record became a stub in the log; no word is left in the folder, which imports into the same log."""
    assert NEEDLE in bytes_of(export)

    ended = log_here(capsys, "export", export, "--data", source)
    again = log_here(capsys, "export", export, "--data", source, "--json")
    log_here(capsys, "import", export, "--data", copy_secrets(source, tmp_path / "target"))

    assert (ended.code, "; 6 erased records are stubs now; 7 records in all" in ended.output) == (0, True)
    assert json.loads(again.output)["erased"] == 0
    assert NEEDLE not in bytes_of(export)
    assert log_here(capsys, "verify", export).code == 0
    assert rows_of(tmp_path / "target") == rows_of(source)


@pytest.mark.fault(row=33)
def test_an_export_that_is_killed_while_it_erases_continues(
    source: Path, export: Path, tmp_path: Path, capsys: Capture
) -> None:
    """SIGKILL after every step: the folder is sound then, and in the end as after one run."""
    whole = tmp_path / "whole"
    shutil.copytree(export, whole)
    log_here(capsys, "export", whole, "--data", source)

    for step in STEPS:
        parts = tmp_path / step
        shutil.copytree(export, parts)
        assert log_killed(step, 1, "export", parts, "--data", source) == -signal.SIGKILL
        assert log_here(capsys, "verify", parts).code == 0
        log_here(capsys, "export", parts, "--data", source)

        ours, theirs = ({n: h for n, h in hashes_of(folder).items() if n != MANIFEST} for folder in (parts, whole))
        assert ours == theirs
    assert NEEDLE not in bytes_of(whole)


def test_an_older_export_is_imported_with_the_newest_list(
    source: Path, export: Path, tmp_path: Path, capsys: Capture
) -> None:
    """It becomes stubs, the erasure follows, and an interrupted import continues with the same list."""
    old, newest = tmp_path / "old", export / ERASURES
    shutil.copytree(export, old)
    log_here(capsys, "export", export, "--data", source)
    target = copy_secrets(source, tmp_path / "target")
    line = ("import", old, "--data", target, "--erasures", newest, "--json")

    done, again = log_here(capsys, *line), log_here(capsys, *line)
    other = log_here(capsys, "import", old, "--data", target)

    assert [json.loads(one.output)["added"] for one in (done, again)] == [7, 0]
    found = rows_of(target)
    assert [row[:3] for row in found] == [row[:3] for row in rows_of(source)]
    assert [is_stub(LogRecord(0, *row)) for row in found] == [True] * 6 + [False]
    assert NEEDLE not in bytes_of(target)
    assert other.code == 1  # without the list, it would be another log


def test_a_list_that_is_damaged_changes_nothing(export: Path, source: Path, tmp_path: Path, capsys: Capture) -> None:
    """One sentence, before a log is made."""
    (tmp_path / "list").write_bytes(b"{}")
    target = copy_secrets(source, tmp_path / "target")
    before = hashes_of(target)

    ended = log_here(capsys, "import", export, "--data", target, "--erasures", tmp_path / "list")

    assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (1, "", 1)
    assert "line 1" in ended.complaint
    assert hashes_of(target) == before


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for the installation that nothing is left of its own erasures."""
    result = {"nothing_left": True, "tables": {}, "parts": {}, "logs": []}
    job = {"results": [result], "generation": "g1"}
    monkeypatch.setattr(find_installation, "open_installation", lambda *_: None)
    monkeypatch.setattr(erasures, "run_job", lambda *_: job)


def check_listed(capsys: Capture, folder: Path, file: Path, *more: str) -> Ended:
    return command_here(capsys, "erasures", "check", "--data", folder, "--erasures", file, *more)


@pytest.mark.usefixtures("nothing_left")
def test_a_check_finds_what_an_import_without_the_newest_list_brought_back(
    source: Path, export: Path, tmp_path: Path, capsys: Capture
) -> None:
    """That log has no erasure at all, so only the list says what must not be there."""
    shutil.copytree(export, tmp_path / "old")
    log_here(capsys, "export", export, "--data", source)
    newest = export / ERASURES
    without, with_it = (copy_secrets(source, tmp_path / name) for name in ("without", "with"))
    log_here(capsys, "import", tmp_path / "old", "--data", without)
    log_here(capsys, "import", tmp_path / "old", "--data", with_it, "--erasures", newest)

    found = check_listed(capsys, without, newest)
    as_json = check_listed(capsys, without, newest, "--json")
    clean = check_listed(capsys, with_it, newest)

    assert (found.code, "6 records of what is listed, the first at 0:0" in found.output) == (1, True)
    assert "nothing is left" not in found.output
    assert [(log["records"], log["first"]) for log in json.loads(as_json.output)["listed"]] == [(6, "0:0")]
    assert (clean.code, "nothing is left" in clean.output) == (0, True)


@pytest.mark.usefixtures("nothing_left")
def test_a_check_refuses_a_damaged_list(source: Path, tmp_path: Path, capsys: Capture) -> None:
    """It must not say that nothing is left."""
    (tmp_path / "list").write_bytes(b"{}")

    ended = check_listed(capsys, source, tmp_path / "list")

    assert (ended.code, ended.output, "line 1" in ended.complaint) == (1, "", True)
