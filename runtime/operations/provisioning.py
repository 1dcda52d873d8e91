"""Implements `provision`: topics if the log is in Kafka, the store's databases, and the installation record in both."""

import asyncio
from collections.abc import Iterator

from ingest.log.broken import BrokenLog
from ingest.log.kafka.provision import Wish, install
from prices.price_list import list_prices
from runtime.operations.price_log import open_price_log
from runtime.operations.provision_store import EMBEDDED_PARTITIONS, provision_store
from runtime.services.run_folder import locked_folder
from runtime.settings.kafka_settings import kafka_topic
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.secrets import own_secrets
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from runtime.settings.tls import check_transport
from schemas.installation import record_topic
from store.errors import Refused
from store.installation_record import record_in_store


def provision_all(settings: Settings, wish: Wish) -> Iterator[str]:
    """Create what is missing; yield a line for everything that was created or checked. Raises `Refused`, `Broken`."""
    address, partitions, own = parse_log_url(settings.log), EMBEDDED_PARTITIONS, own_secrets(settings.secrets_folder)
    if isinstance(address, KafkaAddress):
        try:
            topic, record, made = asyncio.run(install(kafka_topic(settings, address), own, wish))
        except BrokenLog as error:
            raise Refused(str(error)) from error
        partitions = topic.partitions
        copies = "one copy of each record, for development" if topic.replication == 1 else f"{topic.replication} copies"
        yield f"topic {topic.name}: {'created' if made else 'exists'}, {partitions} partitions, {copies}"
        yield f"topic {record_topic(topic.name)}: recorded {record.made_at}"
    log = open_price_log(settings)
    store = store_address(settings)
    check_transport(store)
    with locked_folder(settings.folder, needed=store.is_embedded):
        done = provision_store(store, partitions, list_prices(), log)
        record_in_store(store, partitions, own)
    yield from done or ["store: up to date"]
