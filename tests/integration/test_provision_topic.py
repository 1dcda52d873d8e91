"""`provision` leaves a broker on which topic and consumer groups are ready for use."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.kafka.broker import Broker
from ingest.errors import BrokenLog
from ingest.kafka_log import KafkaTopic
from ingest.kafka_log.creation import ensure_topic

pytestmark = pytest.mark.kafka


async def test_the_first_group_of_a_new_cluster_finds_its_coordinator_at_once(kafka_broker: Broker) -> None:
    """A worker that were refused would come back seconds later, in the middle of the first traffic."""
    await ensure_topic(KafkaTopic(kafka_broker.bootstrap, "sessions", 4))

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    try:
        await admin.start()
        assert await admin.find_coordinator("sessions.g1") == 1
    finally:
        await admin.close()


async def test_provision_may_run_again_but_not_with_another_count(kafka_broker: Broker) -> None:
    """The second run finds the topic; a different number of partitions is refused."""
    topic = KafkaTopic(kafka_broker.bootstrap, "sessions", 4)

    assert await ensure_topic(topic)
    assert not await ensure_topic(topic)
    with pytest.raises(BrokenLog):
        await ensure_topic(topic._replace(partitions=8))
