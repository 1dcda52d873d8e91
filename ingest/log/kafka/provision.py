"""What `provision` does at the broker: create the topics, and record how they were made.

Every step of `install` checks first, so it can be repeated. Two runs at once are safe: the first record counts for
both.
"""

from typing import NamedTuple

from msgspec import Struct

from ingest.log.broken import BrokenLog
from ingest.log.kafka.creation import ensure_topic, outages_explained, settings_of
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.installation_record import agreed, of_record, read_record, write_record
from ingest.log.kafka.topic import KafkaTopic, check_topic, look_at
from schemas.installation import COPIES_MIN, PARTITIONS_ADVISED, PARTITIONS_MAX, InstallationRecord, OwnSecrets


class Wish(Struct, frozen=True):
    """Options of `provision`: copies of each record (0: as recorded, else 3), and whether it creates topics."""

    replication: int = 0
    makes_topics: bool = True


class Installed(NamedTuple):
    """The topic as it is now, its record, and whether this run created it."""

    topic: KafkaTopic
    record: InstallationRecord
    made: bool


async def install(configured: KafkaTopic, own: OwnSecrets, wish: Wish) -> Installed:
    """Create the missing topics, and record how they were made unless a record exists.

    Raises `LogUnavailable`, and `BrokenLog` if the options are not enough, or differ from what exists; the message says
    what to do.
    """
    with outages_explained(configured):
        await check_credentials(configured)
        record = await read_record(configured, patience_s=0)
        topic = _begun(configured, wish) if record is None else _recorded(configured, record, own, wish)
        if wish.makes_topics:
            made = await ensure_topic(topic)
            await ensure_topic(of_record(topic))
        else:
            made = False
            await _need(topic)
        if record is None:
            await write_record(topic, own)
        counts = await read_record(topic)
        if counts is None:
            raise BrokenLog(f"the topic {of_record(topic).name} has lost the record that was just written")
        return Installed(_recorded(topic, counts, own, wish), counts, made)


def _begun(configured: KafkaTopic, wish: Wish) -> KafkaTopic:
    """Return the topic of a new installation."""
    if not configured.partitions:
        raise BrokenLog(
            f"nothing is recorded yet about the topic {configured.name} at {configured.bootstrap}: "
            "choose --partitions N; the number can never change and limits how many projectors can share the work; "
            f"{PARTITIONS_ADVISED} is a good one"
        )
    if not 0 < configured.partitions <= PARTITIONS_MAX:
        raise BrokenLog(f"partitions: a topic has 1 to {PARTITIONS_MAX}, not {configured.partitions}")
    replication = wish.replication or COPIES_MIN
    if replication != 1 and replication < COPIES_MIN:
        raise BrokenLog(f"--replication must be {COPIES_MIN} or more, or 1 for development, not {replication}")
    return configured._replace(replication=replication)


def _recorded(configured: KafkaTopic, record: InstallationRecord, own: OwnSecrets, wish: Wish) -> KafkaTopic:
    if wish.replication not in (0, record.replication):
        raise BrokenLog(
            f"this installation was made with --replication {record.replication}, not {wish.replication}: leave the "
            "option out; kafka-reassign-partitions.sh changes the copies of an existing topic"
        )
    return agreed(configured, record, own)


async def _need(topic: KafkaTopic) -> None:
    """Check that both topics exist. Raises `BrokenLog` with the commands that create the missing ones."""
    missing = [wanted for wanted in (topic, of_record(topic)) if await look_at(wanted, patience_s=0) is None]
    if missing:
        names, lines = " and ".join(wanted.name for wanted in missing), "\n".join(map(create_line, missing))
        raise BrokenLog(
            f"{topic.bootstrap} lacks {names}: ask someone with the rights to run this, then provision again\n{lines}"
        )
    for wanted in (topic, of_record(topic)):
        await check_topic(wanted)


def create_line(topic: KafkaTopic) -> str:
    """Return the command with which an operator creates the topic."""
    settings = "".join(f" --config {name}={value}" for name, value in settings_of(topic).items())
    login = " --command-config client.properties" if topic.security.has_user else ""
    return (
        f"kafka-topics.sh --bootstrap-server {topic.bootstrap}{login} --create --topic {topic.name} "
        f"--partitions {topic.partitions} --replication-factor {topic.replication}{settings}"
    )
