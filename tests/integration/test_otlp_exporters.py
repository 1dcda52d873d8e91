"""The official exporters send over real HTTP to a server that is killed meanwhile: nothing is lost or doubled."""

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from edge.tokens import issue_token
from ingest.log.sqlite.file import READ, open_for_reading
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.log.codec import decode_value
from schemas.log.records import AnyRecord, EventsRecorded, SessionCreated
from store.fail_points import VARIABLE
from tests.support import CHECKOUT
from tests.support.rigs.forked import PYTHON, Forked
from tests.support.rigs.npm import installed_packages
from tests.support.rigs.write_api import KEY

READY_S, DOWN_S = 120, 1.0


class Restarted:
    """The server, and how often it has ended by itself."""

    def __init__(self, folder: Path, token_key: bytes) -> None:
        self.folder, self.port, self.ended = folder, free_port(), 0
        self.token = issue_token(token_key, "alice", "acme", "agent", 3600, time.time())
        self.endpoint = f"http://127.0.0.1:{self.port}/api/v1/acme/otlp"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def start(self, fail_point: str = "", refused: int = 0) -> None:
        """Start the server and wait until it answers; a fail point such as ``name:3:kill`` ends it later."""
        arguments = [str(self.port), str(self.folder), str(refused)]
        command = [*PYTHON, "tests.support.rigs.served_by_us", *arguments]
        environment = {**os.environ, VARIABLE: fail_point}
        self._process = Forked(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while not answers_200("127.0.0.1", self.port, "/readyz", timeout_s=2):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def watch(self) -> None:
        """Start the server again, without a fail point, a moment after it ended by itself."""
        while not self._stopping.wait(0.05):
            if self._process is not None and self._process.poll() is not None:
                self.ended += 1
                time.sleep(DOWN_S)
                self.start()

    def stop(self) -> None:
        """Stop the server."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def records(self) -> list[AnyRecord]:
        """Return the durable records. The server must have stopped."""
        try:
            with closing(open_for_reading(self.folder / "log.sqlite")) as connection:
                return [decode_value(row[2]) for row in connection.execute(READ, (0, 1 << 60))]
        except sqlite3.OperationalError:
            return []


@contextmanager
def restarted(folder: Path, token_key: bytes, fail_point: str = "", refused: int = 0) -> Iterator[Restarted]:
    """Run a server that first refuses appends, or ends at the fail point and restarts a moment later."""
    server = Restarted(folder, token_key)
    server.start(fail_point, refused)
    watching = threading.Thread(target=server.watch)
    watching.start()
    try:
        yield server
    finally:
        server.stop()
        watching.join()


RECORDS, SESSION = 60, "5b2a1f0c"
NODE_CLIENT = CHECKOUT / "tests" / "support" / "clients" / "node_exporter"
FAIL_POINTS = {"before the append": "ingest.before_append:5:kill", "before the reply": "ingest.appended:5:kill"}
EXPORT_S = 120
REFUSED = 4  # appends: batches are sent side by side, and each may be sent five times


@pytest.mark.parametrize(
    ("when", "compression"),
    [("before the append", Compression.NoCompression), ("before the reply", Compression.Gzip)],
)
def test_pythons_exporters_lose_nothing(tmp_path: Path, when: str, compression: Compression) -> None:
    """They get no reply to one batch, find no server for a second, and resend both."""
    with restarted(tmp_path, KEY, FAIL_POINTS[when]) as server:
        export_logs(server, compression)
        export_metrics(server, compression)

    assert server.ended == 1
    check(server.records())


def export_logs(server: Restarted, compression: Compression) -> None:
    """Send the records in batches of ten."""
    headers = {"Authorization": f"Bearer {server.token}"}
    exporter = OTLPLogExporter(f"{server.endpoint}/v1/logs", headers=headers, timeout=60, compression=compression)
    provider = LoggerProvider(_resource())
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=10))
    logger = provider.get_logger("com.anthropic.claude_code.events")
    for number in range(RECORDS):
        attributes: dict[str, Any] = {
            "session.id": SESSION,
            "event.name": "api_request",
            "event.sequence": number,
            "request_id": f"req_{number}",
            "model": "m",
            "input_tokens": number,
            "cost_usd": number / 8,
        }
        logger.emit(
            LogRecord(
                severity_number=SeverityNumber.INFO,
                body="claude_code.api_request",
                attributes=attributes,
                timestamp=time.time_ns(),
            )
        )
    provider.force_flush(60_000)
    provider.shutdown()


def export_metrics(server: Restarted, compression: Compression) -> None:
    """Send one export now and one at the end."""
    headers = {"Authorization": f"Bearer {server.token}"}
    exporter = OTLPMetricExporter(f"{server.endpoint}/v1/metrics", headers=headers, timeout=60, compression=compression)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 3_600_000)], _resource())
    lines = provider.get_meter("com.anthropic.claude_code").create_counter("claude_code.lines_of_code.count")
    lines.add(7, {"session.id": SESSION, "type": "added"})
    lines.add(2.5, {"session.id": SESSION, "type": "removed"})
    provider.force_flush(60_000)
    provider.shutdown()


def _resource() -> Resource:
    return Resource({"service.name": "claude-code", "service.version": "2.1.332"})


@pytest.fixture(scope="module")
def node_client() -> Path:
    """Return a folder with Node's exporters, installed once per lock file."""
    folder = installed_packages(NODE_CLIENT)
    shutil.copy(NODE_CLIENT / "export.mjs", folder)
    return folder


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_nodes_exporters_lose_nothing(node_client: Path, tmp_path: Path, encoding: str) -> None:
    """Claude Code and Gemini CLI use them. They retry a 503, but not a request whose connection was lost."""
    with restarted(tmp_path, KEY, refused=REFUSED) as server:
        command = ["node", "export.mjs", server.endpoint, server.token, encoding, SESSION, str(RECORDS)]
        ended = subprocess.run(command, cwd=node_client, capture_output=True, text=True, timeout=EXPORT_S, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    check(server.records())


def check(records: list[AnyRecord]) -> None:
    """Check that each record counts once, in one session."""
    created = [record for record in records if isinstance(record, SessionCreated)]
    assert {record.external_id for record in created} == {f"claude-code:{SESSION}"}
    assert len({record.session_id for record in records}) == 1
    found = {event.event_id: event for one in records if isinstance(one, EventsRecorded) for event in one.events}
    data = [(event.event_type, msgspec.json.decode(event.data)) for event in found.values()]
    requests = {each["request_id"]: each for kind, each in data if kind == "ApiRequest"}
    assert requests.keys() == {f"req_{number}" for number in range(RECORDS)}
    assert sum(each.get("cost_usd", 0) for each in requests.values()) == sum(range(RECORDS)) / 8
    assert Counter(kind for kind, _ in data)["ApiRequest"] == RECORDS
    measured = {each["name"]: each["value"] for kind, each in data if kind == "Measurement"}
    assert measured == {"lines_added": 7, "lines_removed": 2.5}
