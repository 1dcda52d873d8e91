"""The broker of `stack` admits only our own processes; the contract tests run the product on it."""

import base64
import contextlib
import re
import secrets
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devstack.kafka_jars import broker as broker_module
from devstack.kafka_jars import probe
from devstack.kafka_jars.broker import Broker
from devstack.kafka_jars.probe import Login
from devstack.kafka_jars.users import BrokerUsers
from ingest.log.broken import BrokenLog
from ingest.log.kafka import KafkaEventLog, KafkaTopic
from ingest.log.kafka.creation import ensure_topic, find_topic
from runtime.settings.stack_folder import KAFKA_USER
from schemas.log.kafka_security import KafkaSecurity, Mechanism
from tests.support.rigs.kafka import need_jars

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
_KNOWN = ((METADATA, 0, 1), (SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 0))


@contextlib.contextmanager
def rogue_broker(asked: list[int]) -> Iterator[int]:
    """Listen, and return the port; ``asked`` collects the kind of each request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, asked), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, asked: list[int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, asked), daemon=True).start()


def _answer(connection: socket.socket, asked: list[int]) -> None:
    with contextlib.suppress(OSError, struct.error), connection, connection.makefile("rb") as requests:
        while True:
            (size,) = struct.unpack(">i", requests.read(4))
            request = requests.read(size)
            kind, _, correlation = struct.unpack_from(">hhi", request)
            asked.append(kind)
            reply = struct.pack(">i", correlation) + _REPLIES[kind](request)
            connection.sendall(struct.pack(">i", len(reply)) + reply)


def _challenge(request: bytes) -> bytes:
    nonce = re.search(rb"r=([^,]+)", request)
    if b"n,," in request and nonce:
        return b"r=%sx,s=%s,i=4096" % (nonce[1], base64.b64encode(b"salt"))
    return b"v=" + base64.b64encode(bytes(64))


def _authenticated(request: bytes) -> bytes:
    message = _challenge(request)
    return struct.pack(">hhi", 0, -1, len(message)) + message


_REPLIES: dict[int, Callable[[bytes], bytes]] = {
    API_VERSIONS: lambda _: struct.pack(">hi", 0, len(_KNOWN)) + b"".join(struct.pack(">hhh", *api) for api in _KNOWN),
    SASL_HANDSHAKE: lambda _: struct.pack(">hih", 0, 1, 13) + b"SCRAM-SHA-512",
    SASL_AUTHENTICATE: _authenticated,
    METADATA: lambda _: struct.pack(">iihih", 1, 1, 1, 0, -1) + struct.pack(">ii", 1, 0),
}

pytestmark = pytest.mark.kafka
KEY = b"k" * 16
USERS = BrokerUsers(password=secrets.token_hex(32), controller_password=secrets.token_hex(32))
TOPIC_DELETION_DISABLED = 73


def ours(password: str = USERS.password, mechanism: Mechanism = "SCRAM-SHA-512") -> KafkaSecurity:
    return KafkaSecurity("sasl_plaintext", mechanism, KAFKA_USER, password)


STRANGERS = {
    "no password": KafkaSecurity(),
    "a wrong password": ours("0" * 64),
    "another user": KafkaSecurity("sasl_plaintext", "SCRAM-SHA-512", "mallory", USERS.password),
    "the controller": KafkaSecurity("sasl_plaintext", "PLAIN", "controller", USERS.controller_password),
    "without SCRAM": ours(mechanism="PLAIN"),
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run a broker with users, like that of `stack`."""
    need_jars()
    broker = Broker(tmp_path_factory.mktemp("closed-kafka"), users=USERS)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def topic(closed: Broker) -> KafkaTopic:
    return KafkaTopic(closed.bootstrap, f"t-{secrets.token_hex(4)}", 1, ours())


@pytest.mark.parametrize("who", STRANGERS)
async def test_strangers_neither_list_nor_read_nor_append(topic: KafkaTopic, who: str) -> None:
    """Each kind of client is refused before it learns anything; the log is unchanged."""
    await ensure_topic(topic)
    log = KafkaEventLog(topic)
    await log.start()
    await log.append(KEY, b"ours")
    given: dict[str, Any] = {"bootstrap_servers": topic.bootstrap, "request_timeout_ms": 2_000}
    given |= STRANGERS[who].client_options()

    admin = AIOKafkaAdminClient(**given)
    with pytest.raises(KafkaError):
        await admin.start()
    await admin.close()
    consumer, producer = AIOKafkaConsumer(topic.name, **given), AIOKafkaProducer(**given)
    for client in (consumer, producer):
        with pytest.raises(KafkaError):
            await client.start()
        await client.stop()

    assert [record.value for record in await log.read(0, 0, 9, 1 << 20)] == [b"ours"]
    await log.stop()


def test_the_controller_answers_no_stranger(closed: Broker, kafka_broker: Broker) -> None:
    """It closes a connection without a password; the controller of a broker without users answers."""
    assert _quorum(kafka_broker.settings.controller_port) != b""
    assert _quorum(closed.settings.controller_port) == b""


def _quorum(port: int) -> bytes:
    """Return the controller's answer to DescribeQuorum of its metadata."""
    name = b"__cluster_metadata"
    body = b"\x02" + bytes([len(name) + 1]) + name + b"\x02" + struct.pack(">i", 0) + b"\x00\x00\x00"
    request = struct.pack(">hhih", 55, 0, 1, -1) + b"\x00" + body
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        try:
            return connection.recv(100)
        except ConnectionResetError:
            return b""


async def test_no_topic_is_deleted_by_our_own_user_either(topic: KafkaTopic) -> None:
    """The log is permanent."""
    await ensure_topic(topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap, **topic.security.client_options())
    await admin.start()
    try:
        reply = await admin.delete_topics([topic.name])
    finally:
        await admin.close()

    assert reply.topic_error_codes == [(topic.name, TOPIC_DELETION_DISABLED)]
    await find_topic(topic)


async def test_a_wrong_password_is_refused_at_once(topic: KafkaTopic) -> None:
    """Creating, checking and appending fail; the message names the user and the settings."""
    await ensure_topic(topic)
    for wrong in (ours("0" * 64), ours(mechanism="PLAIN"), ours(mechanism="SCRAM-SHA-256")):
        locked_out = topic._replace(security=wrong)
        for refused in (ensure_topic(locked_out), find_topic(locked_out), KafkaEventLog(locked_out).start()):
            with pytest.raises(BrokenLog, match=r"does not let the user crewkit in .*KAFKA_PASSWORD_FILE"):
                await refused


async def test_a_password_for_a_broker_that_asks_for_none_is_refused(kafka_broker: Broker) -> None:
    """A broker that should require passwords must not be open."""
    with pytest.raises(BrokenLog, match="does not let the user crewkit in"):
        await ensure_topic(KafkaTopic(kafka_broker.bootstrap, "sessions", 1, ours()))


async def test_a_program_that_accepts_any_password_is_no_broker() -> None:
    """Since it does not know the password, it receives no password and no record, and does not count as running."""
    asked: list[int] = []
    with rogue_broker(asked) as port:
        assert probe.serves("127.0.0.1", port), "without a log-in the probe accepts it"
        assert not probe.serves("127.0.0.1", port, Login(KAFKA_USER, USERS.password))
        asked.clear()
        with pytest.raises(BrokenLog, match="Server sent wrong signature"):
            await KafkaEventLog(KafkaTopic(f"127.0.0.1:{port}", "t", 1, ours())).start()

    assert set(asked) <= {API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE}


def test_the_probe_logs_in(closed: Broker) -> None:
    """A broker is up if its users can log in."""
    port = closed.settings.port

    assert probe.serves("127.0.0.1", port, Login(KAFKA_USER, USERS.password))
    assert not probe.serves("127.0.0.1", port, Login(KAFKA_USER, "wrong"))
    assert not probe.serves("127.0.0.1", port)


def test_passwords_are_in_files_of_their_owner_alone(
    closed: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All accounts can read command lines, so neither the broker's nor the format tool's has a password."""
    lines: list[str] = []
    run = subprocess.run

    def noting(line: list[str], **options: Any) -> Any:
        lines.extend(line)
        return run(line, **options)

    monkeypatch.setattr(broker_module.subprocess, "run", noting)
    Broker(tmp_path / "new", users=USERS).command()
    shown = "".join(lines) + Path(f"/proc/{closed.pid}/cmdline").read_text()

    assert "StorageTool" in shown
    assert stat.S_IMODE(closed.settings.properties_file.stat().st_mode) == 0o600
    for password in (USERS.password, USERS.controller_password):
        assert password not in shown
        assert password not in Path(f"/proc/{closed.pid}/environ").read_text()
        assert password in closed.settings.properties_file.read_text()
    left = [file for file in (tmp_path / "new").rglob("*") if file.is_file() and file.name != "server.properties"]
    assert not any(USERS.password.encode() in file.read_bytes() for file in left)


async def test_a_broker_without_users_becomes_one_with_users(new_kafka_broker: Broker) -> None:
    """Its records stay and strangers are refused; a new password, as after the loss of its file, replaces it."""
    before = KafkaTopic(new_kafka_broker.bootstrap, "sessions", 1)
    await ensure_topic(before)
    log = KafkaEventLog(before)
    await log.start()
    await log.append(KEY, b"from before")
    await log.stop()

    for users in (USERS, msgspec.structs.replace(USERS, password="b" * 64)):
        new_kafka_broker.stop()
        new_kafka_broker.settings = msgspec.structs.replace(new_kafka_broker.settings, users=users)
        new_kafka_broker.start()

        now = before._replace(security=ours(users.password))
        log = KafkaEventLog(now)
        await log.start()
        assert [record.value for record in await log.read(0, 0, 1, 1 << 20)] == [b"from before"]
        await log.append(KEY, b"more")
        await log.stop()
    with pytest.raises(BrokenLog):
        await find_topic(before._replace(security=ours()))
    assert not probe.serves("127.0.0.1", new_kafka_broker.settings.port)
