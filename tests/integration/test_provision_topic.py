"""After `provision`, topics and consumer groups are ready for use, and the log has the installation record."""

import asyncio
import re
import secrets
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from devstack.kafka_jars import broker as broker_module
from devstack.kafka_jars import jars
from devstack.kafka_jars.broker import Broker
from ingest.log.broken import BrokenLog
from ingest.log.kafka import InstalledTopic, KafkaEventLog, KafkaTopic, creation
from ingest.log.kafka.creation import ensure_topic, find_topic
from ingest.log.kafka.installation_record import of_record, read_record
from ingest.log.kafka.provision import Wish, install
from ingest.log.kafka.topic import FoundTopic, check_found, look_at
from schemas.installation import OwnSecrets
from schemas.log.position import LogUnavailable, Position
from schemas.log.topics import partition_of
from tests.support.rigs.kafka import broker_from_jars, create_topic, need_jars, set_topic, start_again

_TOOLS = {"kafka-configs.sh": "ConfigCommand", "kafka-topics.sh": "TopicCommand"}


def kafka_tool(bootstrap: str, line: str) -> None:
    """Run ``line`` against a broker."""
    need_jars()
    script, *words = shlex.split(line)
    assert bootstrap in words
    command = [*jars.jvm(), f"org.apache.kafka.tools.{_TOOLS[script]}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


pytestmark = pytest.mark.kafka
OURS = OwnSecrets("f1", "/our/secrets")
ONE_COPY = Wish(replication=1)
KEY = b"a" * 16


def new_topic(kafka: str, partitions: int = 4) -> KafkaTopic:
    """Return settings of a new topic; 0 partitions: this process has no configured count."""
    return KafkaTopic(kafka, f"p-{secrets.token_hex(4)}", partitions)


async def append_until_taken(log: KafkaEventLog) -> Position:
    """Send the same record again, as a client does, until it is acknowledged."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await log.append(KEY, b"x")
            except LogUnavailable:
                await asyncio.sleep(0.2)


async def test_the_first_group_of_a_new_cluster_finds_its_coordinator_at_once(new_kafka_broker: Broker) -> None:
    """Otherwise a refused worker would rejoin seconds later, during the first traffic."""
    await ensure_topic(KafkaTopic(new_kafka_broker.bootstrap, "sessions", 4))

    admin = AIOKafkaAdminClient(bootstrap_servers=new_kafka_broker.bootstrap)
    try:
        await admin.start()
        assert await admin.find_coordinator("sessions.g1") == 1
    finally:
        await admin.close()


async def test_a_record_of_a_clock_that_is_a_day_ahead_is_taken(kafka: str) -> None:
    """A producer stamps records with its process's time; by default Kafka 4 accepts an error of an hour."""
    topic = new_topic(kafka, 1)
    await ensure_topic(topic)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        tomorrow_ms = int((time.time() + 24 * 3600) * 1000)
        sent = await producer.send_and_wait(topic.name, b"x", KEY, timestamp_ms=tomorrow_ms)
    finally:
        await producer.stop()

    assert (sent.offset, sent.timestamp) == (0, tomorrow_ms)


async def test_the_count_is_recorded_once_and_read_by_all(kafka: str) -> None:
    """The first run records it; later runs and processes read it, and refuse another one."""
    topic = new_topic(kafka)
    untold = topic._replace(partitions=0)

    first = await install(topic, OURS, ONE_COPY)
    again = await install(untold, OURS, Wish())
    found = await find_topic(untold, InstalledTopic(OURS))

    assert (first.made, again.made) == (True, False)
    assert first.record == again.record == await read_record(topic)
    assert first.topic == again.topic == found == topic
    other = topic._replace(partitions=8)
    for refused in (install(other, OURS, Wish()), find_topic(other, InstalledTopic(OURS))):
        with pytest.raises(BrokenLog, match=r"configured for 8 partitions.*made with 4.*set PARTITIONS back"):
            await refused


async def test_nothing_is_guessed_and_nothing_half_made(kafka: str) -> None:
    """No count, too few brokers or two copies are refused before anything is created."""
    topic = new_topic(kafka)
    for wanted_topic, wish, said in (
        (topic._replace(partitions=0), ONE_COPY, "choose --partitions N; .* 64 is a good one"),
        (topic._replace(partitions=-1), ONE_COPY, "1 to 2000, not -1"),
        (topic, Wish(), "can't keep 3 copies .*start the missing brokers.*--replication 1; nothing was created"),
        (topic, Wish(replication=2), "3 or more, or 1 for development, not 2"),
    ):
        with pytest.raises(BrokenLog, match=said):
            await install(wanted_topic, OURS, wish)

    assert [await look_at(place, 0) for place in (topic, of_record(topic))] == [None, None]


async def test_two_that_provision_at_once_agree(kafka: str) -> None:
    """The first record counts for both; with different secrets one of them is refused."""
    topic, others = new_topic(kafka), OwnSecrets("f2", "/other/secrets")

    same = await asyncio.gather(*(install(topic, OURS, ONE_COPY) for _ in range(3)))
    apart = new_topic(kafka)
    ends = await asyncio.gather(*(install(apart, own, ONE_COPY) for own in (OURS, others)), return_exceptions=True)

    assert len({installed.record for installed in same}) == 1
    assert sorted(type(end).__name__ for end in ends) == ["BrokenLog", "Installed"]


async def test_secrets_of_another_installation_are_refused(kafka: str) -> None:
    """`provision` and writers check them; a projector has no secrets and skips the check."""
    topic = (await install(new_topic(kafka), OURS, ONE_COPY)).topic
    stranger = OwnSecrets("f2", "/their/secrets")

    for refused in (install(topic, stranger, Wish()), find_topic(topic, InstalledTopic(stranger))):
        with pytest.raises(BrokenLog, match=rf"in /their/secrets are not those.*{topic.name}\.installation.*seed\.key"):
            await refused
    assert await find_topic(topic, InstalledTopic(None)) == topic


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"junk", "contains no installation record"),
        (b'{"v":2,"partitions":1,"replication":1,"secrets":"","made_at":""}', "version 2"),
    ],
)
async def test_what_is_no_record_of_ours_is_refused(kafka: str, written: bytes, said: str) -> None:
    """It may be a record of a later version, or something else in its place."""
    topic = new_topic(kafka)
    await ensure_topic(topic)
    await ensure_topic(of_record(topic))
    log = KafkaEventLog(of_record(topic))
    await log.start()
    await log.append(KEY, written)
    await log.stop()

    with pytest.raises(BrokenLog, match=f"installation .*{said}"):
        await find_topic(topic, InstalledTopic(OURS))


async def test_a_topic_without_its_record_is_refused(kafka: str) -> None:
    """A topic made by hand has none; `provision` records its current count."""
    topic = new_topic(kafka)
    await ensure_topic(topic)

    with pytest.raises(BrokenLog, match=r"nothing is recorded.*provision --partitions N"):
        await find_topic(topic, InstalledTopic(OURS))
    assert not (await install(topic, OURS, ONE_COPY)).made


async def test_it_starts_without_a_broker_and_then_learns_the_count(kafka_broker: Broker) -> None:
    """Without a configured count, a record goes to the partition of the recorded count."""
    topic = (await install(new_topic(kafka_broker.bootstrap, 7), OURS, ONE_COPY)).topic
    kafka_broker.kill()
    log = KafkaEventLog(topic._replace(partitions=0), find=InstalledTopic(OURS))
    await log.start()
    with pytest.raises(LogUnavailable):
        await log.read(0, 0, 1, 1)

    await start_again(kafka_broker)
    position = await append_until_taken(log)
    stored = await log.read(position.partition, 0, 1, 1)
    await log.stop()

    assert position.partition == partition_of(KEY, 7) != 0
    assert [record.key for record in stored] == [KEY]


async def test_a_topic_that_grows_stops_who_writes_to_it(kafka: str) -> None:
    """The next metadata shows it; later starts are refused."""
    topic = (await install(new_topic(kafka, 2), OURS, ONE_COPY)).topic
    broken: list[BrokenLog] = []
    log = KafkaEventLog(topic, find=InstalledTopic(OURS), on_broken=broken.append)
    await log.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_partitions({topic.name: NewPartitions(3)})
    await admin.close()

    async with asyncio.timeout(20):
        while not broken:
            await log.ready()
            await asyncio.sleep(0.05)
    await log.stop()

    assert re.search("has 3 partitions, .*made with 2", str(broken[0]))
    with pytest.raises(BrokenLog, match="has 3 partitions"):
        await find_topic(topic, InstalledTopic(OURS))


LOSES_RECORDS = {
    "cleanup.policy": ("compact", "delete"),
    "retention.ms": ("604800000", "-1"),
    "retention.bytes": ("1073741824", "-1"),
    "unclean.leader.election.enable": ("true", "false"),
    "max.message.bytes": ("1000000", "1572864 or more"),
}


@pytest.mark.fault(row=28)
@pytest.mark.parametrize("name", LOSES_RECORDS)
async def test_a_topic_that_loses_records_is_refused_with_what_mends_it(kafka: str, name: str) -> None:
    """This holds for `provision`, each start and each topic; the command in the message repairs it."""
    value, wanted = LOSES_RECORDS[name]
    topic = KafkaTopic(kafka, await create_topic(kafka, 2, **{name: value}), 2)

    with pytest.raises(
        BrokenLog, match=re.escape(f"{topic.name} has {name}={value} and must have {wanted}")
    ) as refused:
        await install(topic, OURS, ONE_COPY)
    kafka_tool(kafka, str(refused.value).split("`")[1])
    installed = (await install(topic, OURS, ONE_COPY)).topic
    assert await find_topic(topic, InstalledTopic(OURS)) == installed
    await set_topic(topic, {name: value})

    with pytest.raises(BrokenLog, match=re.escape(f"{name}={value}")):
        await find_topic(topic, InstalledTopic(OURS))


@pytest.mark.fault(row=28)
def test_too_few_copies_are_refused_unless_made_with_one() -> None:
    """The broker must report three copies and two in sync; a single copy has no further requirement."""
    enough = {"min.insync.replicas": "2", "max.message.bytes": "8388608", "cleanup.policy": "delete"}
    enough |= {"retention.ms": "-1", "retention.bytes": "-1", "unclean.leader.election.enable": "false"}
    topic = KafkaTopic("k:9092", "t", 4, replication=3)

    check_found(topic, FoundTopic(4, 3, enough))
    check_found(topic._replace(replication=1), FoundTopic(4, 1, enough | {"min.insync.replicas": "1"}))
    with pytest.raises(BrokenLog, match="keeps 2 of the 3 copies"):
        check_found(topic, FoundTopic(4, 2, enough))
    with pytest.raises(BrokenLog, match=r"min\.insync\.replicas=1 and must have 2 or more"):
        check_found(topic, FoundTopic(4, 3, enough | {"min.insync.replicas": "1"}))


async def test_that_there_is_one_copy_is_said_at_each_start(kafka: str) -> None:
    """It is logged once for each process, not for each connection."""
    topic = (await install(new_topic(kafka), OURS, ONE_COPY)).topic
    find = InstalledTopic(OURS)

    with structlog.testing.capture_logs() as said:
        await find_topic(topic, find)
        await find_topic(topic, find)

    assert [line["event"] for line in said] == ["log_has_one_copy"]


async def test_where_others_make_topics_the_lines_are_printed(kafka: str) -> None:
    """`provision` creates nothing; after the printed commands have run, it records the installation."""
    topic = new_topic(kafka, 3)
    wish = Wish(replication=1, makes_topics=False)

    with pytest.raises(BrokenLog, match=f"lacks {topic.name} and {topic.name}.installation") as refused:
        await install(topic, OURS, wish)
    assert [await look_at(place, 0) for place in (topic, of_record(topic))] == [None, None]
    lines = [line for line in str(refused.value).splitlines() if line.startswith("kafka-topics.sh")]
    for line in lines:
        kafka_tool(kafka, line)

    installed = await install(topic, OURS, wish)
    assert (len(lines), installed.made, installed.topic.partitions) == (2, False, 3)


async def test_a_setting_that_the_broker_refuses_is_left_out_and_no_other(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusals are real: tiered storage without support, and a value that is never valid."""
    wanted = creation.settings_of
    more = {"remote.storage.enable": "true", "segment.bytes": "-5"}
    monkeypatch.setattr(creation, "settings_of", lambda topic: wanted(topic) | more)
    topic = new_topic(kafka)

    await ensure_topic(topic)

    found = await look_at(topic)
    assert found is not None
    applied = {name: found.settings[name] for name in wanted(topic)}
    assert applied == wanted(topic)


POLICY = """
import java.util.Map;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.server.policy.CreateTopicPolicy;

public class Managed implements CreateTopicPolicy {
    public void configure(Map<String, ?> settings) {}
    public void close() {}
    public void validate(RequestMetadata asked) {
        if (asked.configs().containsKey("min.insync.replicas")) throw new PolicyViolationException("not yours to set");
        if (asked.topic().startsWith("forbidden")) throw new PolicyViolationException("not here");
    }
}
"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="javac is not installed (a JDK)")
async def test_a_managed_broker_whose_policy_refuses_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the policy names no setting, those that managed services fix are left out first. Refusing all is an error."""
    with_policy(tmp_path, monkeypatch)
    with broker_from_jars(tmp_path / "kafka") as broker:
        topic = new_topic(broker.bootstrap)
        assert await ensure_topic(topic)

        found = await look_at(topic)
        assert found is not None
        assert found.settings["retention.ms"] == "-1"
        with pytest.raises(BrokenLog, match=r"refuses to create the topic forbidden: .*not here"):
            await ensure_topic(topic._replace(name="forbidden"))


def with_policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start further brokers with the policy."""
    (folder / "Managed.java").write_text(POLICY)
    subprocess.run(["javac", "-cp", f"{jars.jars()}/*", "Managed.java"], cwd=folder, check=True, timeout=60)
    jvm = jars.jvm
    monkeypatch.setattr(jars, "jvm", lambda *options: [*jvm(*options)[:-1], f"{jars.jars()}/*:{folder}"])
    monkeypatch.setitem(broker_module.ONE_NODE, "create.topic.policy.class.name", "Managed")
