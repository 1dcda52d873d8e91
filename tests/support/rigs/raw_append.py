"""Append records straight to the log of a running installation, without the write side."""

import asyncio

from devstack.stack import PARTITIONS, Stack
from ingest.log.kafka import KafkaEventLog, KafkaTopic
from ingest.log.port import EventLog
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from schemas.log.topics import TOPIC
from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

NO_SESSION = b"the key of no session"


def append_dead_letter(installation: Installation, value: bytes) -> str:
    """Append a record with a wrong key, and return its position once it is listed as a dead letter."""
    position = asyncio.run(_append(_log_of(installation), value))
    with installation.client("operator", OPERATOR_ORG, "operator") as operator:
        path = f"/api/v1/operator/dead-letters/{position}"
        eventually(lambda: operator.get(path).is_success)
    return position


async def _append(log: EventLog, value: bytes) -> str:
    await log.start()
    try:
        return str(await log.append(NO_SESSION, value))
    finally:
        await log.stop()


def _log_of(installation: Installation) -> EventLog:
    if installation.kind == "up":
        return SqliteEventLog(installation.data / "log.sqlite")
    stack = Stack.on(installation.data, "127.0.0.1", installation.port)
    return KafkaEventLog(KafkaTopic(f"127.0.0.1:{stack.ports.kafka}", TOPIC, PARTITIONS, stack.security))
