"""`log export`, `verify` and `import` on a real S3 server."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports.zstd import decompress

from cli.exits import AWAY
from ingest.log.archive import s3
from ingest.log.archive.erasures import ERASURES
from ingest.log.archive.export import export_log
from ingest.log.archive.manifest import MANIFEST, Source, read_manifest
from ingest.log.archive.places import place_at
from ingest.log.archive.refusals import Refused
from ingest.log.archive.segment import SUFFIX
from ingest.log.archive.verify import verify_export
from schemas.log.position import LogUnavailable
from tests.integration.s3_proxy import KEY, SECRET, S3Proxy
from tests.integration.test_log_tools_erasures import NEEDLE, erase
from tests.properties.test_log_archive import NOW, OURS, SMALL, FakeArchivedLog, Silent
from tests.properties.test_log_archive_bucket import Watched, at_call, in_thread
from tests.properties.test_log_archive_erasures import grow
from tests.support.builders import LogBuilder, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.log_commands import copy_secrets, log_here, log_killed, new_data_folder, rows_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Proxy]:
    made = S3Proxy(tmp_path_factory.mktemp("s3"))
    yield made
    made.end()


@pytest.fixture
def address(server: S3Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a new prefix of the bucket; the environment has the credentials."""
    for variable, value in server.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(s3, "RETRY_S", 1)
    return f"s3://backups/{tmp_path.name}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a data folder whose log has records of two sessions."""
    log = LogBuilder(1)
    for number in range(6):
        log.add(recorded(named(number % 2), hook("UserPromptSubmit", prompt=f"{NEEDLE.decode()} {number}")))
    return new_data_folder(tmp_path / "source", [record[1:] for record in log.records])


def objects(server: S3Proxy, address: str) -> dict[str, bytes]:
    """Return the objects as the server has them on its disk; segments are decompressed."""
    files = (server.bucket / address.rpartition("/")[2]).iterdir()
    found = {file.name: file.read_bytes() for file in files}
    return {name: decompress(content) if name.endswith(SUFFIX) else content for name, content in found.items()}


def test_an_export_continues_and_is_imported(source: Path, tmp_path: Path, address: str, capsys: Capture) -> None:
    """Into the same rows; another export has nothing to add."""
    first = log_here(capsys, "export", address, "--data", source, "--json")
    again = log_here(capsys, "export", address, "--data", source, "--json")
    verified = log_here(capsys, "verify", address)
    target = copy_secrets(source, tmp_path / "target")
    imported = log_here(capsys, "import", address, "--data", target)

    assert [json.loads(one.output)["records"] for one in (first, again)] == [6, 0]
    assert (verified.code, imported.code) == (0, 0)
    assert rows_of(target) == rows_of(source)


def test_a_rewritten_export_has_no_old_object(server: S3Proxy, source: Path, address: str, capsys: Capture) -> None:
    """Even if the export is killed at any step: no word of what was erased is left on the server's disk."""
    log_here(capsys, "export", address, "--data", source)
    before = objects(server, address)
    asyncio.run(erase(source))
    for step in ("log.segment_rewritten", "log.rewritten_named", "log.segment_removed"):
        log_killed(step, 1, "export", address, "--data", source)
        assert log_here(capsys, "verify", address).code == 0
    ended = log_here(capsys, "export", address, "--data", source)
    after = objects(server, address)

    assert NEEDLE in b"".join(before.values())
    assert (ended.code, log_here(capsys, "verify", address).code) == (0, 0)
    assert NEEDLE not in b"".join(after.values())
    assert after.keys() == {name for name, *_ in read_manifest(place_at(address)).files()} | {MANIFEST, ERASURES}


def test_a_killed_export_continues(source: Path, address: str, capsys: Capture) -> None:
    """SIGKILL between a segment and the manifest: the segment without a name is removed."""
    killed = log_killed("log.segment_written", 1, "export", address, "--data", source)
    there = place_at(address).sizes()
    log_here(capsys, "export", address, "--data", source)

    assert killed == -signal.SIGKILL
    assert len(place_at(address).sizes()) == 3
    assert {name for name in there if name.endswith(SUFFIX)}.isdisjoint(place_at(address).sizes())
    assert log_here(capsys, "verify", address).code == 0


def test_of_two_exporters_one_is_refused(address: str) -> None:
    """The one that began first, once the other one has begun. The export stays sound."""
    log, place = FakeArchivedLog(1), place_at(address)
    grow(log, [("acme", number % 4) for number in range(9)])
    watched = Watched(place, at_call(6, lambda: in_thread(log, place)), after=True)

    with pytest.raises(Refused, match=f"another process exports into {address}"):
        asyncio.run(export_log(log, Source("topic", 1, OURS), watched, Silent(), lambda: NOW, SMALL))

    assert verify_export(place, Silent()).findings == []
    assert read_manifest(place).records == 9


def test_an_outage_is_one_sentence(server: S3Proxy, address: str) -> None:
    """The next export continues where it stopped."""
    log, place, source = FakeArchivedLog(1), place_at(address), Source("topic", 1, OURS)
    grow(log, [("acme", number % 4) for number in range(9)])
    watched = Watched(place, at_call(8, server.end), after=True)
    try:
        with pytest.raises(LogUnavailable, match=f"{address} can't be reached"):
            asyncio.run(export_log(log, source, watched, Silent(), lambda: NOW, SMALL))
    finally:
        server.start()
    begun = read_manifest(place).records
    asyncio.run(export_log(log, source, place, Silent(), lambda: NOW, SMALL))

    assert 0 < begun < 9
    assert verify_export(place, Silent()).findings == []
    assert read_manifest(place).records == 9


@pytest.mark.parametrize("command", ["export", "verify", "import"])
@pytest.mark.parametrize("case", ["secret", "bucket", "down"])
def test_a_store_that_cannot_be_used_is_one_sentence(
    case: str, command: str, source: Path, address: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Exit code 1, or 69 if a retry may succeed. No credential is in it."""
    code, says = {
        "secret": (1, "denies access (403 SignatureDoesNotMatch): check AWS_ACCESS_KEY_ID"),
        "bucket": (1, "there is no such bucket"),
        "down": (AWAY, "can't be reached: check AWS_ENDPOINT_URL"),
    }[case]
    if case == "secret":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-key")
    if case == "down":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    where = address.replace("backups", "no-such-bucket") if case == "bucket" else address
    ended = log_here(capsys, command, where, *([] if command == "verify" else ["--data", source]))

    assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (code, "", 1)
    assert f"{where} " in ended.complaint
    assert says in ended.complaint
    assert not [secret for secret in (KEY, SECRET, "a-wrong-key") if secret in ended.complaint]
