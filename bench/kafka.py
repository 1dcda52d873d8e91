"""A Kafka broker for one measurement, started from jars, with the product's topic."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.kafka_jars.broker import Broker
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.installation import Wish, install
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import own_secrets
from schemas.log.topics import TOPIC

PARTITIONS = 4


@contextlib.contextmanager
def kafka_topic(folder: Path) -> Iterator[KafkaTopic]:
    """Run a broker with an empty topic of 4 partitions until the block ends."""
    broker = Broker(folder / "kafka")
    try:
        broker.start()
        make_embedded_secrets(folder / "secrets")
        topic = KafkaTopic(broker.bootstrap, TOPIC, PARTITIONS)
        yield asyncio.run(install(topic, own_secrets(folder / "secrets"), Wish(replication=1))).topic
    finally:
        broker.kill()  # its data is not read again


def log_url(topic: KafkaTopic) -> str:
    """Return the value of the setting `log_url` for the topic."""
    return f"kafka://{topic.bootstrap}/{topic.name}"
