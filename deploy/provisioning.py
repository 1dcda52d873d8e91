"""What `provision` does: the topic where the log is Kafka, and the store's databases."""

import asyncio
from collections.abc import Iterator

from deploy.folder_lock import locked_folder
from deploy.kafka_settings import kafka_topic
from deploy.log_url import KafkaAddress, parse_log_url
from deploy.provision import Refused, provision_store
from deploy.settings import Settings
from deploy.store_transport import check_transport
from deploy.store_url import store_address
from ingest.errors import BrokenLog
from ingest.kafka_log.creation import ensure_topic
from schemas.prices import list_prices


def provision_all(settings: Settings) -> Iterator[str]:
    """Make what is missing; a line for each thing that was made.

    Raises:
        Refused: what is there does not fit.
        Broken: the store is reached in another way.
    """
    address = parse_log_url(settings.log)
    partitions = 1
    if isinstance(address, KafkaAddress):
        partitions = settings.partitions
        topic = kafka_topic(settings, address)
        try:
            made = asyncio.run(ensure_topic(topic))
        except BrokenLog as error:
            raise Refused(str(error)) from error
        yield f"topic {topic.name}: {'made' if made else 'there'}, {partitions} partitions"
    store = store_address(settings)
    check_transport(store)
    with locked_folder(settings.folder, needed="host" not in store.options):
        done = provision_store(store, partitions, list_prices())
    yield from done or ["store: up to date"]
