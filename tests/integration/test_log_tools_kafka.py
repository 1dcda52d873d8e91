"""`log export` and `log import` between files and topics: positions, order within sessions, interruptions, refusals."""

import asyncio
import json
import secrets
import signal
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from ingest.erased import KnownErasures
from ingest.log.archive.manifest import MANIFEST
from ingest.log.archive.refusals import Refused
from ingest.log.archive.segment import SUFFIX
from ingest.log.kafka import KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.provision import Wish, install
from ingest.log.kafka.restore import KafkaImport
from ingest.log.kafka.topic import look_at
from runtime.services.ports import free_port
from runtime.settings.secrets import own_secrets
from schemas.log.codec import erasure_in, is_stub
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of
from tests.support.builders import ORG, LogBuilder, hook, recorded, records_erased
from tests.support.rigs.kafka import create_topic
from tests.support.rigs.log_commands import (
    Row,
    copy_secrets,
    hashes_of,
    log_here,
    log_killed,
    new_data_folder,
    rows_by_key,
    rows_of,
)

pytestmark = pytest.mark.kafka
AT = 1_768_905_000_000
ONE_COPY = ("--replication", "1")
Capture = pytest.CaptureFixture[str]
SESSIONS = [UUID(int=n, version=4) for n in range(12)]  # each of four partitions has some
GARBAGE = [(None, None), (None, b"x"), (SESSIONS[0].bytes, None), (b"", b""), (b"\xff", b"\xff\xfe"), (b"k", b"")]


def rows(count: int, size: int = 40) -> list[Row]:
    """Return rows of several sessions and some garbage; times go back now and then."""
    found: list[tuple[bytes | None, bytes | None]] = [
        (SESSIONS[n * 7 % len(SESSIONS)].bytes, b"%d " % n + b"x" * size) for n in range(count)
    ]
    found[count // 2 : count // 2] = GARBAGE
    return [(n, key, value, AT + n - 50 * (n % 9 == 0)) for n, (key, value) in enumerate(found)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return new_data_folder(tmp_path / "source", rows(300))


def new_url(kafka: str) -> str:
    """Return the log URL of a topic that does not exist."""
    return f"kafka://{kafka}/t-{secrets.token_hex(4)}"


def records_of(url: str, partitions: int) -> list[list[LogRecord]]:
    """Read the whole topic."""
    bootstrap, topic = url.removeprefix("kafka://").split("/")

    async def read() -> list[list[LogRecord]]:
        reader = KafkaLogReader(KafkaTopic(bootstrap, topic, partitions))
        ends = await reader.ends()
        found: list[list[LogRecord]] = []
        for partition, end in enumerate(ends):
            records: list[LogRecord] = []
            while len(records) < end:
                records += await reader.read(partition, len(records), end, 1 << 24)
            found.append(records)
        await reader.stop()
        return found

    return asyncio.run(read())


def of_rows(found: Sequence[Row]) -> list[LogRecord]:
    """Return the rows of a file as records."""
    return [LogRecord(0, *row) for row in found]


def exists(url: str) -> bool:
    """Return whether the topic was created."""
    bootstrap, topic = url.removeprefix("kafka://").split("/")
    return asyncio.run(look_at(KafkaTopic(bootstrap, topic, 0), patience_s=0)) is not None


def test_a_log_moves_to_kafka_and_back(kafka: str, source: Path, tmp_path: Path, capsys: Capture) -> None:
    """One partition, four, one, four: each key has the same records in the same order with the same times."""
    url, back, again = new_url(kafka), copy_secrets(source, tmp_path / "back"), new_url(kafka)
    made = ("--secrets", source / "secrets", *ONE_COPY, "--partitions", "4")
    codes = [
        log_here(capsys, "export", tmp_path / "a", "--data", source).code,
        log_here(capsys, "import", tmp_path / "a", "--log-url", url, *made).code,
        log_here(capsys, "export", tmp_path / "b", "--log-url", url, *made[:2]).code,
        log_here(capsys, "import", tmp_path / "b", "--data", back).code,
        log_here(capsys, "export", tmp_path / "c", "--data", back).code,
        log_here(capsys, "import", tmp_path / "c", "--log-url", again, *made).code,
    ]
    topic = records_of(url, 4)
    before = rows_by_key(of_rows(rows_of(source)))

    assert codes == [0] * 6
    assert all(record.partition == partition_of(record.key, 4) for p in topic for record in p if record.key is not None)
    assert rows_by_key(record for p in topic for record in p) == before
    assert rows_by_key(of_rows(rows_of(back))) == before
    assert rows_by_key(record for p in records_of(again, 4) for record in p) == before
    assert min(len(p) for p in topic) > 0


def test_a_topic_is_restored_at_the_same_positions(kafka: str, source: Path, tmp_path: Path, capsys: Capture) -> None:
    """Offsets, keys, values and times are equal, even for a foreign producer's record in another partition."""
    url, restored = new_url(kafka), new_url(kafka)
    mine = ("--secrets", source / "secrets")
    log_here(capsys, "export", tmp_path / "a", "--data", source)
    log_here(capsys, "import", tmp_path / "a", "--log-url", url, *mine, *ONE_COPY, "--partitions", "4")
    wrong = (partition_of(SESSIONS[0].bytes, 4) + 1) % 4
    asyncio.run(produce(url, SESSIONS[0].bytes, b"misplaced", wrong))

    log_here(capsys, "export", tmp_path / "b", "--log-url", url, *mine)
    verified = json.loads(log_here(capsys, "verify", tmp_path / "b", "--json").output)
    imported = log_here(capsys, "import", tmp_path / "b", "--log-url", restored, *mine, *ONE_COPY, "--json")
    again = log_here(capsys, "export", tmp_path / "b", "--log-url", restored, *mine)

    assert (verified["sound"], verified["misplaced"], verified["partitions"]) == (True, 1, 4)
    assert json.loads(imported.output)["same_positions"]
    assert records_of(restored, 4) == records_of(url, 4)
    assert again.code == 1  # it is another topic


def test_a_killed_export_of_a_topic_continues(kafka: str, source: Path, tmp_path: Path, capsys: Capture) -> None:
    """SIGKILL between two partitions, and between a segment and the manifest, leaves the files of one run."""
    url, mine = new_url(kafka), ("--secrets", source / "secrets")
    log_here(capsys, "export", tmp_path / "a", "--data", source)
    log_here(capsys, "import", tmp_path / "a", "--log-url", url, *mine, *ONE_COPY, "--partitions", "4")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    log_here(capsys, "export", whole, "--log-url", url, *mine)

    for point, nth in (("log.segment_written", 2), ("log.segment_named", 1)):
        assert log_killed(point, nth, "export", parts, "--log-url", url, *mine) == -signal.SIGKILL
    assert log_here(capsys, "export", parts, "--log-url", url, *mine).code == 0

    ours, theirs = ({n: h for n, h in hashes_of(folder).items() if n != MANIFEST} for folder in (whole, parts))
    assert ours == theirs
    assert len(list(whole.glob(f"*{SUFFIX}"))) == 4


def test_a_killed_import_into_a_topic_continues(kafka: str, tmp_path: Path, capsys: Capture) -> None:
    """SIGKILL while batches are in flight: the next run compares what arrived, and sends the rest."""
    source = new_data_folder(tmp_path / "source", rows(60, 700_000))
    url, into = new_url(kafka), tmp_path / "a"
    made = ("--secrets", source / "secrets", *ONE_COPY, "--partitions", "4")
    log_here(capsys, "export", into, "--data", source)

    for nth in (3, 17):
        assert log_killed("log.imported", nth, "import", into, "--log-url", url, *made) == -signal.SIGKILL
    ended = log_here(capsys, "import", into, "--log-url", url, *made, "--json")
    again = log_here(capsys, "import", into, "--log-url", url, *made, "--json")

    done = json.loads(ended.output)
    assert done["found"] > 0
    assert done["added"] + done["found"] == 66
    assert json.loads(again.output)["added"] == 0
    topic = records_of(url, 4)
    assert rows_by_key(record for p in topic for record in p) == rows_by_key(of_rows(rows_of(source)))


@pytest.mark.parametrize("case", ["not empty", "other secrets", "no topic", "own times", "damaged", "other count"])
def test_an_import_that_is_refused_changes_no_topic(
    case: str, kafka: str, source: Path, tmp_path: Path, capsys: Capture
) -> None:
    """The message says what to do; no topic is created, and no record is appended."""
    export, url = tmp_path / "export", new_url(kafka)
    log_here(capsys, "export", export, "--data", source)
    folder, options = source / "secrets", [*ONE_COPY, "--partitions", "4"]
    says = {"not empty": "is not empty", "other secrets": "copy seed.key", "no topic": "kafka-topics.sh"}
    says |= {"own times": "message.timestamp.type=CreateTime", "damaged": "another copy", "other count": "PARTITIONS"}
    if case in ("not empty", "own times"):
        config = {"message.timestamp.type": "LogAppendTime"} if case == "own times" else {}
        url = asyncio.run(made_topic(kafka, **config))
    if case == "not empty":
        asyncio.run(produce(url, b"k", b"v", 2))
    if case == "other secrets":
        folder = new_data_folder(tmp_path / "other") / "secrets"
    if case == "no topic":
        options.append("--topic-exists")
    if case == "damaged":
        next(export.glob(f"*{SUFFIX}")).write_bytes(b"")
    if case == "other count":
        asyncio.run(installed(url, 4, folder))
        options[-1] = "8"
    before = records_of(url, 4) if exists(url) else None

    refused = log_here(capsys, "import", export, "--log-url", url, "--secrets", folder, *options)

    assert (refused.code, refused.output) == (1, "")
    assert says[case] in refused.complaint
    assert (records_of(url, 4) if exists(url) else None) == before


def test_an_import_uses_the_partition_count_that_is_recorded(
    kafka: str, source: Path, tmp_path: Path, capsys: Capture
) -> None:
    """If `provision` made the topic, no option is needed; otherwise the export's count is the default."""
    into, mine = tmp_path / "a", ("--secrets", source / "secrets")
    provisioned, new = new_url(kafka), new_url(kafka)
    asyncio.run(installed(provisioned, 3, source / "secrets"))
    log_here(capsys, "export", into, "--data", source)

    first = log_here(capsys, "import", into, "--log-url", provisioned, *mine, "--json")
    second = log_here(capsys, "import", into, "--log-url", new, *mine, *ONE_COPY, "--json")

    assert json.loads(first.output)["partitions"] == 3
    assert json.loads(second.output)["partitions"] == 1


def test_an_export_compares_the_secrets_with_those_of_the_topic(
    kafka: str, source: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Otherwise an export would have the fingerprint of another installation."""
    url = new_url(kafka)
    asyncio.run(installed(url, 1, source / "secrets"))
    other = new_data_folder(tmp_path / "other") / "secrets"

    refused = log_here(capsys, "export", tmp_path / "new", "--log-url", url, "--secrets", other)

    assert (refused.code, refused.output) == (1, "")
    assert not (tmp_path / "new").exists()


def test_a_topic_to_which_another_process_writes_is_noticed(kafka: str) -> None:
    """The returned offset is not the planned one: the message names it, and the import ends."""
    url = asyncio.run(made_topic(kafka))
    topic = KafkaTopic(kafka, url.split("/")[-1], 4)

    async def run() -> None:
        target = KafkaImport(topic)
        try:
            await target.start()
            await target.put(LogRecord(2, 0, b"k", b"v", AT))
            await produce(url, b"k", b"foreign", 2)
            await target.finish()
        finally:
            await target.stop()

    with pytest.raises(Refused, match="another process writes to the topic"):
        asyncio.run(run())


def test_records_of_a_topic_are_printed(kafka: str, source: Path, tmp_path: Path, capsys: Capture) -> None:
    """By position, and by session from the partition of its key; no secrets are needed."""
    url = new_url(kafka)
    log_here(capsys, "export", tmp_path / "a", "--data", source)
    log_here(
        capsys, "import", tmp_path / "a", "--log-url", url, "--secrets", source / "secrets", *ONE_COPY, "--partitions=4"
    )
    session = SESSIONS[3]
    partition = partition_of(session.bytes, 4)

    by_position = log_here(capsys, "read", "--position", f"{partition}:0", "--count", "2", "--log-url", url)
    by_session = log_here(capsys, "read", "--session", session, "--log-url", url)
    unknown = log_here(capsys, "read", "--session", UUID(int=9), "--log-url", url)

    assert [json.loads(line)["position"] for line in by_position.output.splitlines()] == [
        f"{partition}:0",
        f"{partition}:1",
    ]
    shown = [json.loads(line) for line in by_session.output.splitlines()]
    assert {line["key"] for line in shown} == {str(session)}
    assert len(shown) == len([row for row in rows_of(source) if row[1] == session.bytes])
    assert unknown.code == 1


def test_a_broker_that_is_away_is_exit_69(source: Path, tmp_path: Path, capsys: Capture) -> None:
    """This holds for each command; nothing is left in the folder."""
    url, mine = f"kafka://127.0.0.1:{free_port()}/t", ("--secrets", source / "secrets")
    log_here(capsys, "export", tmp_path / "a", "--data", source)
    for command in (("export", tmp_path / "b"), ("import", tmp_path / "a"), ("read", "--position", "0:0")):
        ended = log_here(capsys, *command, "--log-url", url, *mine)

        assert (ended.code, ended.output, len(ended.complaint.splitlines())) == (69, "", 1)
    assert not (tmp_path / "b").exists()


async def made_topic(kafka: str, **config: str) -> str:
    """Create a valid topic of four partitions, except for ``config``; return its URL."""
    forever = {"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": str(8 << 20)}
    return f"kafka://{kafka}/{await create_topic(kafka, 4, **forever, **config)}"


async def installed(url: str, partitions: int, folder: Path) -> None:
    """Create and record a topic, as `provision` does."""
    bootstrap, topic = url.removeprefix("kafka://").split("/")
    await install(KafkaTopic(bootstrap, topic, partitions), own_secrets(folder), Wish(1))


async def produce(url: str, key: bytes, value: bytes, partition: int) -> None:
    """Append a record like a foreign producer."""
    bootstrap, topic = url.removeprefix("kafka://").split("/")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait(topic, value, key, partition)
    await producer.stop()


def test_writers_of_a_restored_topic_know_its_erasures(kafka: str, tmp_path: Path, capsys: Capture) -> None:
    """Each new partition with erased sessions has a record that says so, and a writer finds them all."""
    log, url = LogBuilder(1), new_url(kafka)
    log.add(*[recorded(session, hook("Stop")) for session in SESSIONS], records_erased(0, *SESSIONS, partitions=1))
    source = new_data_folder(tmp_path / "source", [record[1:] for record in log.records])
    made = ("--secrets", source / "secrets", *ONE_COPY, "--partitions", "4")
    log_here(capsys, "export", tmp_path / "a", "--data", source)

    assert log_here(capsys, "import", tmp_path / "a", "--log-url", url, *made).code == 0

    topic = records_of(url, 4)
    found = [erasure_in(record, 4) for of_partition in topic for record in of_partition]
    erased = [erasure for erasure in found if erasure is not None]
    assert sorted(one for erasure in erased for one in erasure.sessions) == sorted(SESSIONS)
    assert len([record for of_partition in topic for record in of_partition if is_stub(record)]) == len(SESSIONS)
    assert asyncio.run(known_erasures(url, 4)) == dict.fromkeys(SESSIONS, erased[0].erasure)


async def known_erasures(url: str, partitions: int) -> dict[UUID, UUID]:
    bootstrap, topic = url.removeprefix("kafka://").split("/")
    log = KafkaEventLog(KafkaTopic(bootstrap, topic, partitions))
    await log.start()
    try:
        known = KnownErasures(log)
        await known.look()
        return {session: known.of(ORG)[session] for session in SESSIONS if session in known.of(ORG)}
    finally:
        await log.stop()
