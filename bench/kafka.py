"""A broker of the bench's own, from jars, with the topic of the product."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.kafka_jars.broker import Broker
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.installing import Wish, install
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import own_secrets
from schemas.log.topics import TOPIC

PARTITIONS = 4


@contextlib.contextmanager
def kafka_topic(folder: Path) -> Iterator[KafkaTopic]:
    """A running broker with an empty topic of 4 partitions; the broker ends with the block."""
    broker = Broker(folder / "kafka")
    try:
        broker.start()
        make_embedded_secrets(folder / "secrets")
        told = KafkaTopic(broker.bootstrap, TOPIC, PARTITIONS)
        yield asyncio.run(install(told, own_secrets(folder / "secrets"), Wish(replication=1))).topic
    finally:
        broker.kill()  # nobody reads its data again


def log_url(topic: KafkaTopic) -> str:
    """The topic as a setting."""
    return f"kafka://{topic.bootstrap}/{topic.name}"
