"""Records that no projector can decode, written straight into the topic with the broker's password."""

import asyncio
import os
import random
import uuid

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.log.kafka_security import KafkaSecurity
from schemas.log.topics import TOPIC, partition_of, record_key

PARTITIONS = 4
AWAY_S = 60.0
POISON = ("empty", "null", "garbage", "version", "shape", "wrong key", "wrong partition", "large")


def poison(bootstrap: str, security: KafkaSecurity, chance: random.Random, kinds: tuple[str, ...] = POISON) -> int:
    """Send one record of each kind, and return their number; wait if the broker is briefly unavailable."""
    asyncio.run(_send_once_it_is_there(bootstrap, security, [_record(kind, chance) for kind in kinds]))
    return len(kinds)


Record = tuple[bytes | None, bytes | None, int]  # key, value, partition


async def _send_once_it_is_there(bootstrap: str, security: KafkaSecurity, records: list[Record]) -> None:
    async with asyncio.timeout(AWAY_S):
        while True:
            try:
                return await _send(bootstrap, security, records)
            except KafkaError:
                await asyncio.sleep(0.5)


async def _send(bootstrap: str, security: KafkaSecurity, records: list[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=8 << 20, **security.client_options())
    try:
        await producer.start()
        for key, value, partition in records:
            await producer.send_and_wait(TOPIC, value, key, partition)
    finally:
        await producer.stop()


def _record(kind: str, chance: random.Random) -> Record:
    session = uuid.UUID(int=chance.getrandbits(128), version=4)
    key = record_key(session)
    home = partition_of(key, PARTITIONS)
    good = {
        "kind": "events_recorded",
        "v": 1,
        "record_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "org_id": "poison",
        "session_id": str(session),
        "actor": {"user_id": "mallory", "role": "member"},
        "received_at": 1_768_905_000_000,
        "events": [],
    }
    event = {"event_id": good["record_id"], "event_type": "Stop", "timestamp": 1_768_905_000_000, "data": {}}
    encode = msgspec.json.encode
    return {
        "empty": (key, b"", home),
        "null": (key, None, home),
        "garbage": (key, chance.randbytes(200), home),
        "version": (key, encode({**good, "v": 99, "events": [event]}), home),
        "shape": (key, encode({**good, "events": "none"}), home),
        "wrong key": (b"k" * 16, encode({**good, "events": [event]}), partition_of(b"k" * 16, PARTITIONS)),
        "wrong partition": (key, encode({**good, "events": [event]}), (home + 1) % PARTITIONS),
        "large": (key, os.urandom(5 << 20), home),
    }[kind]
