"""`log read`, `export`, `verify` and `import` on the embedded log: contents, interruptions, refusals."""

import asyncio
import json
import os
import signal
import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID

import pytest

from ingest.log.archive.manifest import MANIFEST
from ingest.log.archive.segment import SUFFIX
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from runtime.services.run_folder import locked_folder
from runtime.settings.secret_making import make_embedded_secrets
from schemas.times import instant
from tests.support.rigs.log_commands import (
    Row,
    copy_secrets,
    hashes_of,
    log_here,
    log_killed,
    log_limited,
    log_spawned,
    new_data_folder,
    rows_of,
)
from tests.support.waiting import eventually

SESSION = UUID(int=7 << 100 | 0x4000 << 64 | 1 << 63)
AT = 1_768_905_000_000
RECORD = b'{"kind":"session_ended","v":1}'
ODD: list[Row] = [
    (0, SESSION.bytes, RECORD, AT),
    (1, b"", b"", AT - 5),
    (2, b"\xff\xfe", b"\xff\x00", AT + 1),
    (3, SESSION.bytes, '{"kind": "é",\n "n": 1.10}'.encode(), 0),
    (4, b"text", b"no JSON", AT + 2),
]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a data folder whose log has a record of every kind that a log can hold."""
    return new_data_folder(tmp_path / "source", ODD)


@pytest.fixture
def export(source: Path, tmp_path: Path, capsys: Capture) -> Path:
    """Export that log."""
    assert log_here(capsys, "export", tmp_path / "export", "--data", source).code == 0
    return tmp_path / "export"


@pytest.fixture
def target(source: Path, tmp_path: Path) -> Path:
    """Make an empty data folder of the same installation."""
    return copy_secrets(source, tmp_path / "target")


def test_an_export_imports_into_the_same_rows(source: Path, export: Path, target: Path, capsys: Capture) -> None:
    """Offsets, keys, values and times are equal; `verify` finds it sound; another export has nothing to add."""
    verified = log_here(capsys, "verify", export, "--json")
    imported = log_here(capsys, "import", export, "--data", target, "--json")
    before = hashes_of(export)
    again = log_here(capsys, "export", export, "--data", target, "--json")

    assert (verified.code, json.loads(verified.output)["sound"]) == (0, True)
    assert json.loads(imported.output) == {"added": 5, "found": 0, "partitions": 1, "same_positions": True}
    assert rows_of(target) == rows_of(source)
    assert json.loads(again.output)["records"] == 0
    assert hashes_of(export) == before


def test_the_files_of_an_export_are_private(export: Path) -> None:
    """They contain prompts: mode 700 for the folder, 600 for each file."""
    assert stat.S_IMODE(export.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in export.iterdir()} == {0o600}


async def test_a_log_is_exported_while_it_is_written(tmp_path: Path, capsys: Capture) -> None:
    """Each export contains everything acknowledged before it; together they contain everything."""
    source, into = new_data_folder(tmp_path / "source"), tmp_path / "export"
    log = SqliteEventLog(source / "log.sqlite")
    await log.start()
    ends = []
    for _ in range(3):
        acknowledged = [await log.append(SESSION.bytes, b"x" * 1000) for _ in range(20)]
        going_on = asyncio.gather(*(log.append(SESSION.bytes, b"y" * 1000) for _ in range(50)))
        ended = await asyncio.to_thread(log_here, capsys, "export", into, "--data", source, "--json")
        ends.append((json.loads(ended.output)["ends"][0], acknowledged[-1].offset))
        await going_on
    await log.stop()
    target = copy_secrets(source, tmp_path / "target")
    await asyncio.to_thread(log_here, capsys, "export", into, "--data", source)
    await asyncio.to_thread(log_here, capsys, "import", into, "--data", target)

    assert all(end > offset for end, offset in ends)
    assert len(rows_of(target)) == 210
    assert rows_of(target) == rows_of(source)


def test_a_killed_export_continues_to_the_same_files(tmp_path: Path, capsys: Capture) -> None:
    """SIGKILL between a segment and the manifest, and after the manifest."""
    many = [(n, SESSION.bytes, b"%d" % n, AT + n) for n in range(250_000)]
    source = new_data_folder(tmp_path / "source", many)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    log_here(capsys, "export", whole, "--data", source)

    for point in ("log.segment_written:1", "log.segment_named:1", "log.segment_written:2"):
        name, nth = point.split(":")
        assert log_killed(name, int(nth), "export", parts, "--data", source) == -signal.SIGKILL
    ended = log_here(capsys, "export", parts, "--data", source, "--json")

    assert ended.code == 0
    assert len(list(whole.glob(f"*{SUFFIX}"))) == 3
    without_times = {name: value for name, value in hashes_of(parts).items() if name != MANIFEST}
    assert without_times == {name: value for name, value in hashes_of(whole).items() if name != MANIFEST}
    assert log_here(capsys, "verify", parts).code == 0


def test_a_killed_import_continues_to_the_same_rows(tmp_path: Path, capsys: Capture) -> None:
    """SIGKILL after any commit; the next run compares what is there, and adds the rest."""
    many = [(n, SESSION.bytes, b"%d" % n, AT + n) for n in range(70_000)]
    source = new_data_folder(tmp_path / "source", many)
    target, into = copy_secrets(source, tmp_path / "target"), tmp_path / "export"
    log_here(capsys, "export", into, "--data", source)

    for nth in (1, 2):
        assert log_killed("log.imported", nth, "import", into, "--data", target) == -signal.SIGKILL
    ended = log_here(capsys, "import", into, "--data", target, "--json")

    assert json.loads(ended.output) | {"partitions": 1} == {
        "added": 10_000,
        "found": 60_000,
        "partitions": 1,
        "same_positions": True,
    }
    assert rows_of(target) == many


def test_an_import_ends_on_ctrl_c_and_continues(tmp_path: Path, capsys: Capture) -> None:
    """SIGINT ends it between two commits, with one sentence and exit code 1."""
    many = [(n, SESSION.bytes, b"%d" % n, AT + n) for n in range(70_000)]
    source = new_data_folder(tmp_path / "source", many)
    target, into = copy_secrets(source, tmp_path / "target"), tmp_path / "export"
    log_here(capsys, "export", into, "--data", source)

    slow = ",".join(f"log.imported:{nth}:sleep=3" for nth in (1, 2, 3))
    process = log_spawned(slow, "import", into, "--data", target)
    eventually(lambda: (target / "log.sqlite").exists() and has_rows(target))
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    left = len(rows_of(target))
    log_here(capsys, "import", into, "--data", target)

    assert process.returncode == 1
    assert complaint.decode() == "Error: interrupted; an export or import continues when the command runs again\n"
    assert left in (20_000, 40_000, 60_000)
    assert rows_of(target) == many


def test_a_full_disk_is_one_sentence(tmp_path: Path, capsys: Capture) -> None:
    """The export so far stays valid, and continues once there is room."""
    many = [(n, SESSION.bytes, os.urandom(10), AT + n) for n in range(150_000)]
    source, into = new_data_folder(tmp_path / "source", many), tmp_path / "export"
    log_here(capsys, "export", into, "--data", new_data_folder(tmp_path / "empty"), "--secrets", source / "secrets")

    ended = log_limited(1_000_000, "export", into, "--data", source)
    continued = log_here(capsys, "export", into, "--data", source, "--json")

    assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (1, "", 1)
    assert "can't be written" in ended.complaint
    assert json.loads(continued.output)["records_in_all"] == 150_000
    assert log_here(capsys, "verify", into).code == 0


def test_a_file_of_an_earlier_version_takes_garbage_without_key(tmp_path: Path, capsys: Capture) -> None:
    """Its empty table required key and value; the import creates the table again."""
    source = new_data_folder(tmp_path / "source", [(0, None, None, AT)])
    target, into = copy_secrets(source, tmp_path / "target"), tmp_path / "export"
    with closing(sqlite3.connect(target / "log.sqlite")) as connection:
        connection.execute(
            'CREATE TABLE records ("offset" INTEGER PRIMARY KEY, "key" BLOB NOT NULL, value BLOB NOT NULL, '
            "timestamp_ms INTEGER NOT NULL) STRICT"
        )
    log_here(capsys, "export", into, "--data", source)

    assert log_here(capsys, "import", into, "--data", target).code == 0
    assert rows_of(target) == [(0, None, None, AT)]


def test_an_export_refuses_another_installation(export: Path, tmp_path: Path, capsys: Capture) -> None:
    """The fingerprints differ; nothing in the folder changes."""
    before = hashes_of(export)
    refused = log_here(capsys, "export", export, "--data", new_data_folder(tmp_path / "other", ODD))

    assert (refused.code, refused.output) == (1, "")
    assert "another installation" in refused.complaint
    assert hashes_of(export) == before


def test_an_export_refuses_a_log_that_lost_its_end(source: Path, export: Path, tmp_path: Path, capsys: Capture) -> None:
    """The last exported record is missing or different: the export has records that the log lacks, so it must stay."""
    before = hashes_of(export)
    for number, rows in enumerate((ODD[:-1], [*ODD[:-1], (4, b"text", b"other", AT + 2)])):
        lost = new_data_folder(tmp_path / f"lost{number}", rows)
        refused = log_here(capsys, "export", export, "--data", lost, "--secrets", source / "secrets")

        assert (refused.code, refused.output) == (1, "")
        assert "0:4" in refused.complaint
    assert hashes_of(export) == before


def test_an_export_refuses_a_log_with_a_hole(source: Path, tmp_path: Path, capsys: Capture) -> None:
    """The message names the first missing position."""
    hole = new_data_folder(tmp_path / "hole", [ODD[0], *ODD[2:]])
    refused = log_here(capsys, "export", tmp_path / "new", "--data", hole)

    assert refused.code == 1
    assert "no record at 0:1" in refused.complaint


def test_an_export_refuses_a_folder_with_other_files(source: Path, tmp_path: Path, capsys: Capture) -> None:
    """The folder and its permissions stay unchanged; one that can't be created is refused too."""
    (tmp_path / "photos").mkdir(mode=0o755)
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    foreign = log_here(capsys, "export", tmp_path / "photos", "--data", source)
    nowhere = log_here(capsys, "export", "/proc/nowhere", "--data", source)

    assert (foreign.code, "other files" in foreign.complaint) == (1, True)
    assert (nowhere.code, len(nowhere.complaint.splitlines())) == (1, 1)
    assert [file.name for file in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    assert stat.S_IMODE((tmp_path / "photos").stat().st_mode) == 0o755


def test_an_export_without_its_manifest_is_not_begun_anew(source: Path, export: Path, capsys: Capture) -> None:
    """A new manifest would hide that segments are lost."""
    (export / MANIFEST).unlink()
    before = hashes_of(export)
    ended = [log_here(capsys, command, export, "--data", source) for command in ("export", "import")]
    verified = log_here(capsys, "verify", export)

    assert [(one.code, "manifest.json: it is missing" in one.complaint) for one in ended] == [(1, True)] * 2
    assert (verified.code, verified.output.splitlines()[-1]) == (1, "verify: 1 file is damaged")
    assert hashes_of(export) == before


def test_a_folder_without_an_export_has_nothing_to_verify_or_import(
    tmp_path: Path, target: Path, capsys: Capture
) -> None:
    """This is an error, not a valid export of nothing."""
    for ended in (log_here(capsys, "verify", tmp_path), log_here(capsys, "import", tmp_path, "--data", target)):
        assert (ended.code, ended.output) == (1, "")
        assert "holds no export" in ended.complaint


def test_a_log_that_does_not_exist_is_said_so(tmp_path: Path, source: Path, capsys: Capture) -> None:
    """A mistyped path creates no empty file."""
    for command in (("export", tmp_path / "new"), ("read", "--position", "0:0")):
        ended = log_here(capsys, *command, "--data", tmp_path / "typo", "--secrets", source / "secrets")
        assert (ended.code, ended.output) == (1, "")
        assert "there is no log at" in ended.complaint
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("case", ["not empty", "too many", "no secrets", "other secrets", "damaged", "in use", "count"])
def test_an_import_that_is_refused_changes_nothing(
    case: str, source: Path, export: Path, tmp_path: Path, capsys: Capture
) -> None:
    """The message says what to do."""
    target, options = tmp_path / "target", ["--data", tmp_path / "target"]
    says = {"not empty": "Import into a new log", "too many": "1 records more", "no secrets": "first copy seed.key"}
    says |= {"other secrets": "copy seed.key and id.keys of that", "damaged": "another copy", "in use": "stop it"}
    says |= {"count": "leave --partitions out"}
    held = {"not empty": [*ODD[:2], (2, b"other", b"x", AT)], "too many": [*ODD, (5, b"k", b"v", AT)]}.get(case)
    if held is None:
        target.mkdir(mode=0o700)
    else:
        new_data_folder(target, held)
        options += ["--secrets", source / "secrets"]
    if case == "other secrets":
        make_embedded_secrets(target / "secrets")
    elif case != "no secrets" and held is None:
        copy_secrets(source, target)
    if case == "damaged":
        flip(next(export.glob(f"*{SUFFIX}")))
    with locked_folder(target, needed=case == "in use"):
        before = rows_of(target) if held else hashes_of(target)
        count = ["--partitions", "4"] if case == "count" else []
        refused = log_here(capsys, "import", export, *options, *count)

    assert (refused.code, refused.output) == (1, "")
    assert says[case] in refused.complaint
    assert len(refused.complaint.splitlines()) == 1
    if held:
        assert rows_of(target) == before
    else:
        assert {k: v for k, v in hashes_of(target).items() if k != "run/lock"} == {
            k: v for k, v in before.items() if k != "run/lock"
        }


def test_a_flipped_byte_is_found_by_verify(export: Path, capsys: Capture) -> None:
    """Exit code 1, and a line with the file and what to do."""
    for file in [file for file in export.iterdir() if file.stat().st_size]:
        raw = file.read_bytes()
        flip(file)
        verified = log_here(capsys, "verify", export)
        file.write_bytes(raw)

        assert verified.code == 1
        assert verified.output.startswith(f"{file.name}: ")
    assert log_here(capsys, "verify", export).code == 0


def test_a_record_at_a_position_is_printed(source: Path, capsys: Capture) -> None:
    """Each record is one line of JSON; the value is unchanged, without line breaks; other bytes have a separate one."""
    ended = log_here(capsys, "read", "--position", "0:0", "--count", "99", "--data", source)

    assert (ended.code, ended.complaint) == (0, "")
    lines = ended.output.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [f"0:{n}" for n in range(5)]
    assert json.loads(lines[0]) == {
        "position": "0:0",
        "time": instant(AT),
        "key": str(SESSION),
        "kind": "session_ended",
        "value": {"kind": "session_ended", "v": 1},
    }
    assert {**json.loads(lines[1]), "time": ""} == {"position": "0:1", "time": "", "key_base64": "", "text": ""}
    assert json.loads(lines[2])["value_base64"] == "/wA="
    assert '"value":{"kind":"é","n":1.10}' in lines[3]
    assert json.loads(lines[4])["text"] == "no JSON"
    assert len(log_here(capsys, "read", "--position", "0:3", "--data", source).output.splitlines()) == 1


def test_the_records_of_a_session_are_printed(source: Path, capsys: Capture) -> None:
    """All of them, in order, and no others."""
    ended = log_here(capsys, "read", "--session", SESSION, "--data", source)

    assert [json.loads(line)["position"] for line in ended.output.splitlines()] == ["0:0", "0:3"]


@pytest.mark.parametrize("what", [("--position", "0:5"), ("--position", "1:0"), ("--session", str(UUID(int=9)))])
def test_an_unknown_position_or_session_is_exit_1(source: Path, what: tuple[str, str], capsys: Capture) -> None:
    """One sentence says what the log has."""
    ended = log_here(capsys, "read", *what, "--data", source)

    assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (1, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("read",),
        ("read", "--position", "0:0", "--session", str(SESSION)),
        ("read", "--position", "zero"),
        ("read", "--position", "0:0", "--count", "0"),
        ("read", "--session", "x"),
        ("read", "--position", "0:0", "--log-url", "redis://no"),
        ("export",),
        ("verify",),
        ("import",),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...], capsys: Capture) -> None:
    """The sentence names the option."""
    ended = log_here(capsys, *arguments)

    assert (ended.code, ended.output) == (2, "")
    assert ended.complaint


def has_rows(folder: Path) -> bool:
    """Return whether a commit has happened."""
    with suppress(sqlite3.OperationalError):  # the table does not exist yet
        return bool(rows_of(folder))
    return False


def flip(file: Path) -> None:
    """Change one bit in the middle of a file."""
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
