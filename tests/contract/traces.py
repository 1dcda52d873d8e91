"""Everything that an installation has written: its log, its store, its log files.

`python -m tests.contract.traces STORE_URL` prints every row of every table of a store, as JSON. It runs in a separate
process, since a process can open only one embedded store.
"""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys

import clickhouse_connect
from aiokafka import AIOKafkaConsumer

from devstack.stack import Stack
from runtime.settings.store_url import parse_store_url
from schemas.log.topics import TOPIC
from tests.support import CHECKOUT
from tests.support.rigs.folder import files_of
from tests.support.rigs.installation import Installation

_TABLES = """
SELECT concat(database, '.', name)
FROM system.tables
WHERE startsWith(database, 'crewkit') AND endsWith(engine, 'MergeTree')
"""


def log_of(installation: Installation) -> bytes:
    """Return the values of all records."""
    if installation.kind == "stack":
        return asyncio.run(_topic(_stack(installation)))
    with sqlite3.connect(f"file:{installation.data / 'log.sqlite'}?mode=ro", uri=True) as connection:
        return b"\n".join(value for (value,) in connection.execute("SELECT value FROM records"))


def store_of(installation: Installation) -> bytes:
    """Return all rows of all tables. Stop an `up` first, since only one process can open its store."""
    stack = installation.kind == "stack"
    url = _stack(installation).store_url if stack else f"chdb://{installation.data / 'store'}"
    command = [sys.executable, "-m", "tests.contract.traces", url]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, env=env, capture_output=True, check=True, timeout=120).stdout


def log_files_of(installation: Installation) -> bytes:
    """Return the log files of its processes."""
    texts: list[bytes] = []
    for file in files_of(installation.data):
        if file.suffix in {".out", ".log"}:
            with contextlib.suppress(FileNotFoundError):
                texts.append(file.read_bytes())
    assert texts, f"no log files in {installation.data}"
    return b"\n".join(texts)


def _stack(installation: Installation) -> Stack:
    return Stack.on(installation.data, "127.0.0.1", installation.port)


async def _topic(stack: Stack) -> bytes:
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=f"127.0.0.1:{stack.ports.kafka}",
        auto_offset_reset="earliest",
        **stack.security.client_options(),
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        values: list[bytes] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=1_000)
            values.extend(record.value or b"" for batch in batches.values() for record in batch)
        return b"\n".join(values)
    finally:
        await consumer.stop()


def _dump(url: str) -> None:
    client = clickhouse_connect.get_client(**parse_store_url(url).options)
    for (table,) in client.query(_TABLES).result_rows:
        sys.stdout.buffer.write(table.encode() + b"\n" + client.raw_query(f"SELECT * FROM {table}", fmt="JSONEachRow"))


if __name__ == "__main__":
    _dump(sys.argv[1])
