"""What `provision` does at the broker: two topics, and once for ever the record of what the installation is made with.

Every step looks first, so it may run again, and two may run at once: the first record counts for both.
"""

from typing import NamedTuple

from msgspec import Struct

from ingest.errors import BrokenLog
from ingest.log.kafka.connection import AWAY
from ingest.log.kafka.creation import away, ensure_topic, settings_of
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.installation import agreed, new_record, of_record, read_record, write_record
from ingest.log.kafka.topic import KafkaTopic, check_topic, look_at
from schemas.installation import COPIES_MIN, PARTITIONS_ADVISED, PARTITIONS_MAX, InstallationRecord, OwnSecrets


class Wish(Struct, frozen=True):
    """What `provision` was asked for: copies of each record (0: as recorded, else 3), and whether it makes topics."""

    replication: int = 0
    makes_topics: bool = True


class Installed(NamedTuple):
    """The topic as it is now, what is recorded of it, and whether this run made it."""

    topic: KafkaTopic
    record: InstallationRecord
    made: bool


async def install(told: KafkaTopic, own: OwnSecrets, wish: Wish) -> Installed:
    """Make the topics that are missing, and record what they were made with, unless that is recorded already.

    Raises:
        BrokenLog: what is asked for is not enough, or differs from what is there; the message says what to do.
        LogUnavailable: the broker is away.
    """
    try:
        return await _install(told, own, wish)
    except AWAY as error:
        raise away(told, error) from error


async def _install(told: KafkaTopic, own: OwnSecrets, wish: Wish) -> Installed:
    await check_credentials(told)
    record = await read_record(told, patience_s=0)
    topic = _begun(told, wish) if record is None else _recorded(told, record, own, wish)
    if wish.makes_topics:
        made = await ensure_topic(topic)
        await ensure_topic(of_record(topic))
    else:
        made = False
        await _need(topic)
    if record is None:
        await write_record(topic, new_record(topic, own))
    counts = await read_record(topic)
    if counts is None:
        raise BrokenLog(f"the topic {of_record(topic).name} has lost the record that was just written")
    return Installed(_recorded(topic, counts, own, wish), counts, made)


def _begun(told: KafkaTopic, wish: Wish) -> KafkaTopic:
    """The topic of a new installation."""
    if not told.partitions:
        raise BrokenLog(
            f"nothing is recorded yet of the topic {told.name} at {told.bootstrap}: say --partitions N; the number is "
            f"for ever and bounds how many projectors can share the work, {PARTITIONS_ADVISED} is a good one"
        )
    if not 0 < told.partitions <= PARTITIONS_MAX:
        raise BrokenLog(f"partitions: a topic has 1 to {PARTITIONS_MAX}, not {told.partitions}")
    replication = wish.replication or COPIES_MIN
    if replication != 1 and replication < COPIES_MIN:
        raise BrokenLog(f"--replication is {COPIES_MIN} or more, or 1 for development, not {replication}")
    return told._replace(replication=replication)


def _recorded(told: KafkaTopic, record: InstallationRecord, own: OwnSecrets, wish: Wish) -> KafkaTopic:
    if wish.replication not in (0, record.replication):
        raise BrokenLog(
            f"this installation was made with --replication {record.replication}, not {wish.replication}: leave the "
            "option out; copies of a topic that is there are changed with kafka-reassign-partitions.sh"
        )
    return agreed(told, record, own)


async def _need(topic: KafkaTopic) -> None:
    """Both topics must be there; raises `BrokenLog` with the lines that make those that are missing."""
    missing = [wanted for wanted in (topic, of_record(topic)) if await look_at(wanted, patience_s=0) is None]
    if missing:
        names, lines = " and ".join(wanted.name for wanted in missing), "\n".join(map(create_line, missing))
        raise BrokenLog(f"{topic.bootstrap} lacks {names}: let somebody run this, then provision again\n{lines}")
    for wanted in (topic, of_record(topic)):
        await check_topic(wanted)


def create_line(topic: KafkaTopic) -> str:
    """The command by which somebody else makes the topic."""
    settings = "".join(f" --config {name}={value}" for name, value in settings_of(topic).items())
    login = " --command-config client.properties" if topic.security.has_user else ""
    return (
        f"kafka-topics.sh --bootstrap-server {topic.bootstrap}{login} --create --topic {topic.name} "
        f"--partitions {topic.partitions} --replication-factor {topic.replication}{settings}"
    )
