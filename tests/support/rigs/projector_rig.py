"""Projection with real parts: a topic on the shared broker, a store server and Faust workers in processes."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import clickhouse_connect
from aiokafka import AIOKafkaProducer

from devstack.store_server.conditions import DEDUPLICATION_WINDOW
from ingest.log.atomic_write import write_whole
from ingest.log.kafka import KafkaTopic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_ports
from runtime.settings.secret_making import make_embedded_secrets
from schemas.log.kafka_security import KafkaSecurity
from schemas.log.position import LogRecord
from store.address import StoreAddress
from store.generations import FIRST_GENERATION
from tests.support.fakes.store_refusals import StoreRefusals
from tests.support.rigs.ending import end_process
from tests.support.rigs.forked import PYTHON, Forked, run
from tests.support.rigs.kafka import set_topic
from tests.support.rigs.store import TABLES, seen
from tests.support.waiting import eventually

PARTITIONS = 2

ROLLED_UP = "SELECT sum(rolled_up) FROM rollup_progress FINAL"


class ProjectorRig:
    """Starts the parts that a test needs; `end` stops all of them, by pid."""

    def __init__(
        self,
        bootstrap: str,
        folder: Path,
        security: KafkaSecurity = KafkaSecurity(),  # noqa: B008 (frozen)
        store: StoreAddress | None = None,
    ) -> None:
        """``store`` is on a server that is already running; without it the rig starts its own."""
        self.bootstrap, self.folder, self.security = bootstrap, folder, security
        self.topic, self.archive = f"rig-{secrets.token_hex(4)}", f"file://{folder / 'archive'}"
        self.port = free_ports(1)[0]
        self.password = secrets.token_urlsafe(12)
        own = {"host": "127.0.0.1", "port": self.port, "username": "crewkit", "password": self.password}
        self.address, self._is_shared = store or StoreAddress(own), store is not None
        self.refusals = StoreRefusals(folder / "store-refusals.json")
        self._running: list[subprocess.Popen[bytes]] = []

    def start_store(self) -> None:
        """Start the store server, create the tables and record the installation."""
        make_embedded_secrets(self.folder / "secrets")
        if not self._is_shared:
            self.run_store()
        made = self.finish("provision", "--partitions", str(PARTITIONS), "--replication", "1")
        assert made.returncode == 0, made.stderr

    def run_store(self) -> subprocess.Popen[bytes]:
        """Start only the store server, for the first time or again."""
        self.store = self.run("store-server", "--host", "127.0.0.1", "--port", str(self.port))
        eventually(lambda: answers_200("127.0.0.1", self.port, "/ping"), within_s=60)
        return self.store

    def run(self, *arguments: str, fail_point: str = "") -> subprocess.Popen[bytes]:
        """Start a long-running command; it fails at ``fail_point`` (see `store.fail_points`)."""
        return self._spawn(arguments[0], self._command(arguments), fail_point)

    def finish(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run(self._command(arguments), os.environ | self.env | env)

    def worker(self, instance: int = 0, fail_point: str = "") -> subprocess.Popen[bytes]:
        """Start a projector."""
        return self.run("processors", "--instance", str(instance), fail_point=fail_point)

    def short_timeout_worker(
        self, instance: int, fail_point: str = "", data: Path | None = None, **env: str
    ) -> subprocess.Popen[bytes]:
        """Start a projector whose session expires after a few seconds of silence; for ``env`` see its module.

        ``data`` is a different data folder, as on another machine.
        """
        command = [*PYTHON, "tests.support.rigs.short_timeout_worker", str(data or self.folder), str(instance)]
        return self._spawn("processors", command, fail_point, **env)

    async def send(self, records: list[LogRecord]) -> None:
        """Send records to the topic unchanged."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, max_request_size=8 << 20, **self.security.client_options()
        )
        await producer.start()
        try:
            for record in records:
                await producer.send_and_wait(self.topic, record.value, record.key, record.partition)
        finally:
            await producer.stop()

    async def set_topic(self, changes: Mapping[str, str]) -> None:
        """Give the topic the settings of `provision`, with these changes."""
        topic = KafkaTopic(self.bootstrap, self.topic, PARTITIONS, self.security)
        await set_topic(topic, changes)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the store."""
        return [tuple(row) for row in self._client.query(sql).result_rows]

    @cached_property
    def _client(self) -> Any:
        """Connect once: a new client reads all settings of the server, and tests query many times a second."""
        return clickhouse_connect.get_client(
            **self.address.at(self.address.database(FIRST_GENERATION)), autogenerate_session_id=False
        )

    def tables(self) -> dict[str, list[tuple[str, ...]]]:
        """Return every derived table as readers see it, in the form of `tests.support.rigs.projection.tables`."""
        found = {table: self.query(f"{seen(table)} ORDER BY ALL") for table in TABLES}
        return {table: [tuple(map(str, row)) for row in rows] for table, rows in found.items()}

    def await_projected(self, count: int, within_s: float = 90) -> None:
        """Wait until this many records have their receipt, and their sessions are in the rollups."""
        eventually(lambda: self.has_projected(count), within_s=within_s)

    def has_projected(self, count: int) -> bool:
        """Return whether this many records have their receipt, and their sessions are in the rollups."""
        return all(self.query(found)[0][0] >= count for found in ("SELECT count() FROM receipts FINAL", ROLLED_UP))

    def receipts_of(self, partition: int) -> int:
        """Return how many records of a partition have their receipt."""
        found: int = self.query(f"SELECT count() FROM receipts FINAL WHERE log_partition = {partition}")[0][0]
        return found

    def end(self) -> None:
        """Stop every process, the last one first."""
        if "_client" in vars(self):
            self._client.close()
        for process in reversed(self._running):
            end_process(process)

    def _spawn(self, name: str, command: list[str], fail_point: str, **environment: str) -> subprocess.Popen[bytes]:
        env = os.environ | self.env | {"CREWKIT_FAILPOINT": fail_point} | environment
        with (self.folder / f"{name}.log").open("ab") as log:
            process = Forked(command, env=env, stdout=log, stderr=log)
        self._running.append(process)
        return process

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [*PYTHON, "cli", arguments[0], "--data", str(self.folder), *arguments[1:]]

    @property
    def env(self) -> dict[str, str]:
        """Return the environment that connects our processes with this rig."""
        return {
            "LOG_URL": f"kafka://{self.bootstrap}/{self.topic}",
            "ARCHIVE_URL": self.archive,
            "STORE_URL": "clickhouse://{username}:{password}@{host}:{port}/{control}".format(
                **self.address.options, control=self.address.control
            ),
            **self.refusals.environment,
            DEDUPLICATION_WINDOW: "1000",  # like the tables of a replicated installation
            "DEV_TOKENS": "1",
            **(self._user() if self.security.has_user else {}),
        }

    def _user(self) -> dict[str, str]:
        """Return the settings with which our processes log in to the broker."""
        file = self.folder / "password"
        write_whole(file, self.security.password)
        return {
            "KAFKA_SECURITY": self.security.protocol,
            "KAFKA_SASL_MECHANISM": self.security.mechanism,
            "KAFKA_USER": self.security.user,
            "KAFKA_PASSWORD_FILE": str(file),
        }


def ended(process: subprocess.Popen[bytes], within_s: float = 60) -> int:
    """Wait for a process to end by itself; return its exit code."""
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < within_s:
        time.sleep(0.05)
    assert process.returncode is not None, "it still runs"
    return process.returncode


@contextmanager
def started_rig(bootstrap: str, folder: Path, store: StoreAddress | None = None) -> Iterator[ProjectorRig]:
    """Make a topic and tables, in a new store unless one is given; stop everything at the end."""
    rig = ProjectorRig(bootstrap, folder, store=store)
    try:
        rig.start_store()
        yield rig
    finally:
        rig.end()
