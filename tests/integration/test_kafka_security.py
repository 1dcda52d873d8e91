"""The product on a broker with TLS, every mechanism and ACLs: it works, or fails with one sentence.

The settings are those of docs/security.md, in the environment, as processes get them.
"""

import asyncio
import gc
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.tokens import issue_token
from ingest.log.atomic_write import write_whole
from ingest.log.broken import BrokenLog
from ingest.log.kafka import KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.creation import ensure_topic, find_group, find_topic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from runtime.settings.kafka_settings import kafka_security
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import token_key
from runtime.settings.settings import load_settings
from schemas.installation import record_topic
from schemas.log.position import LogUnavailable
from tests.integration.secure_kafka import PASSWORD, SUPER, SecureBroker, unsecured_token
from tests.support.pages import shell_lines
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.projector_rig import ended
from tests.support.rigs.secure_store import SecureStore
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
STORE_PASSWORD = secrets.token_hex(8)
KEY = b"k" * 16
GROUP = "any.g1"
MORE = pytest.mark.part("brokers")  # processes refuse and connect like the clients in this process


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """Run a broker with a port for each kind of connection, good and bad."""
    need_jars()
    folder = tmp_path_factory.mktemp("secure-kafka")
    running = SecureBroker(folder)
    for name, user in (("right", SUPER), ("nothing", "nothing")):
        write_whole(folder / f"{name}.token", unsecured_token(user))
    write_whole(folder / "late.token", unsecured_token(SUPER, seconds=-600))
    write_whole(folder / "password", f"{PASSWORD}\n")
    write_whole(folder / "wrong", "not-the-password\n")
    for authority in (running.authority, running.stranger):
        authority.sign(SUPER)
    running.authority.sign(SUPER, expired=True), running.authority.sign("nothing")
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStore]:
    running = SecureStore(tmp_path_factory.mktemp("secure-store"), STORE_PASSWORD)
    yield running
    running.end()


CA = {"KAFKA_CA_FILE": "authority.pem"}
LOGIN = {"KAFKA_USER": SUPER, "KAFKA_PASSWORD_FILE": "password"}
TLS = {"KAFKA_SECURITY": "tls", **CA}
SASL_TLS = {"KAFKA_SECURITY": "sasl_tls", **CA, **LOGIN}
OAUTH = {"KAFKA_SECURITY": "sasl_tls", **CA, "KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
MUTUAL = {**TLS, "KAFKA_CERT_FILE": "authority-us.crt", "KAFKA_KEY_FILE": "authority-us.key"}
# By listener, with the settings; a value ending in _FILE is in the broker's folder.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "tls": ("tls", TLS),
    "mutual tls": ("mutual", MUTUAL),
    "scram-512 over tls": ("sasl-tls", SASL_TLS),
    "scram-256 over tls": ("sasl-tls", SASL_TLS | {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}),
    "plain over tls": ("sasl-tls", SASL_TLS | {"KAFKA_SASL_MECHANISM": "PLAIN"}),
    "token over tls": ("sasl-tls", OAUTH | {"KAFKA_TOKEN_COMMAND": "right.token"}),
    "scram-512 in the clear": ("sasl", {"KAFKA_SECURITY": "sasl_plaintext", **LOGIN}),
    "plain in the clear": (
        "sasl",
        {"KAFKA_SECURITY": "sasl_plaintext", **LOGIN, "KAFKA_SASL_MECHANISM": "PLAIN"},
    ),
}


def environment(broker: SecureBroker, way: tuple[str, Mapping[str, str]], topic: str) -> dict[str, str]:
    """Return the settings as a process gets them."""
    listener, given = way
    folder = broker.settings.data_dir.parent
    placed = {name: str(folder / value) if name.endswith("_FILE") else value for name, value in given.items()}
    if command := given.get("KAFKA_TOKEN_COMMAND", "").removesuffix(".token"):
        placed["KAFKA_TOKEN_COMMAND"] = f"cat {shlex.quote(str(folder / f'{command}.token'))}"
    return {"LOG_URL": f"kafka://{broker.at(listener)}/{topic}", "PARTITIONS": "1", "DEV_TOKENS": "1", **placed}


def topic_of(broker: SecureBroker, way: tuple[str, Mapping[str, str]], topic: str = "") -> KafkaTopic:
    """Return a topic with these settings."""
    name = topic or f"t-{secrets.token_hex(4)}"
    security = kafka_security(load_settings({}, environment(broker, way, name)))
    return KafkaTopic(broker.at(way[0]), name, 1, security)


@pytest.mark.parametrize("way", WAYS)
async def test_a_record_goes_in_and_comes_out(broker: SecureBroker, way: str) -> None:
    """With each kind of connection, a process can provision, append, read and join a group."""
    topic = topic_of(broker, WAYS[way])

    assert await ensure_topic(topic)
    await find_topic(topic)
    await find_group(topic, GROUP)
    log, reader = KafkaEventLog(topic), KafkaLogReader(topic)
    await log.start()
    try:
        position = await log.append(KEY, b"a record")
        assert await log.ready()
        assert await reader.ends() == [1]
        assert [record.value for record in await reader.read(position.partition, 0, 1, 1 << 20)] == [b"a record"]
    finally:
        await log.stop()
        await reader.stop()


@pytest.mark.parametrize("way", ["mutual tls", pytest.param("plain over tls", marks=MORE), "token over tls"])
def test_processes_carry_a_write_to_the_store(
    broker: SecureBroker, store: SecureStore, tmp_path: Path, way: str
) -> None:
    """`provision`, `ingest` and a Faust worker use TLS for both; a posted session gets its receipt.

    The test of the printed ACLs does the same with SCRAM.
    """
    database = f"db_{secrets.token_hex(4)}"
    env = environment(broker, WAYS[way], f"t-{secrets.token_hex(4)}") | store_env(store, database)
    _carry(tmp_path, store, database, dict.fromkeys(("provision", "ingest", "processors"), env))


def store_env(store: SecureStore, database: str) -> dict[str, str]:
    """Return the settings of a store client that has only a certificate."""
    return {
        "STORE_URL": store.url("mutual", database),
        "STORE_CA_FILE": store.file("ours.pem"),
        "STORE_CERT_FILE": store.file("ours-crewkit.both"),
    }


def _carry(data: Path, store: SecureStore, database: str, envs: Mapping[str, Mapping[str, str]]) -> None:
    """Provision, post a session to `ingest`, and wait until a worker has stored it."""
    make_embedded_secrets(data / "secrets")
    made = _finish(data, envs["provision"], "provision", "--replication", "1")
    assert made.returncode == 0, made.stderr
    port = free_port()
    with ExitStack() as running:
        running.enter_context(_started(data, envs["ingest"], "ingest", "--port", str(port)))
        running.enter_context(_started(data, envs["processors"], "processors"))
        eventually(lambda: answers_200("127.0.0.1", port, "/livez"), within_s=60)
        token = issue_token(token_key(data / "secrets"), "alice", "acme", "member", 600, time.time())
        posted = httpx.post(
            f"http://127.0.0.1:{port}/api/v1/acme/sessions",
            json={},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
        assert posted.status_code == 201, posted.text
        eventually(lambda: _receipts(store, database) == 1, within_s=60)
    assert PASSWORD not in "".join(file.read_text() for file in data.glob("*.out"))


def _receipts(store: SecureStore, database: str) -> int:
    reply = httpx.get(
        f"http://127.0.0.1:{store.ports['plain']}/",
        params={"query": f"SELECT count() FROM {database}_g1.receipts FINAL"},
        headers={"X-ClickHouse-User": "crewkit", "X-ClickHouse-Key": STORE_PASSWORD},
        trust_env=False,
    )
    assert reply.status_code == 200, reply.text
    return int(reply.text)


class _started(ExitStack):  # noqa: N801 (used as a function)
    """Run one of our processes until the block ends, and check that it ends well."""

    def __init__(self, data: Path, env: Mapping[str, str], *arguments: str) -> None:
        super().__init__()
        with (data / f"{arguments[0]}.out").open("wb") as out:
            self._process = subprocess.Popen(_line(data, *arguments), env={**os.environ, **env}, stdout=out, stderr=out)
        self.callback(self._end)

    def _end(self) -> None:
        self._process.terminate()
        try:
            assert ended(self._process) == 0
        finally:
            self._process.kill()


def _line(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli", arguments[0], "--data", str(data), *arguments[1:]]


def _finish(data: Path, env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        _line(data, *arguments), env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


NOT_LET_IN = r"does not let the user us in with .*: check KAFKA_USER, KAFKA_PASSWORD_FILE and KAFKA_SASL_MECHANISM"
CLIENT_CERTIFICATE = "asks for a client certificate, .* KAFKA_CERT_FILE and KAFKA_KEY_FILE"
WRONG = {"KAFKA_PASSWORD_FILE": "wrong"}
REFUSALS: dict[str, tuple[str, dict[str, str], str]] = {
    "a wrong password with scram": ("sasl-tls", SASL_TLS | WRONG, NOT_LET_IN),
    "a wrong password with plain": ("sasl-tls", SASL_TLS | WRONG | {"KAFKA_SASL_MECHANISM": "PLAIN"}, NOT_LET_IN),
    "an expired token": (
        "sasl-tls",
        OAUTH | {"KAFKA_TOKEN_COMMAND": "late.token"},
        "does not let the client with the token of KAFKA_TOKEN_COMMAND in .*invalid_token",
    ),
    "an expired certificate": ("expired", TLS, r"the certificate of 127.0.0.1:\d+ has expired: check KAFKA_CA_FILE"),
    "another CA": ("stranger", TLS, "was not issued by a CA that we trust .*: check KAFKA_CA_FILE"),
    "a wrong name": ("misnamed", TLS, "is for another name: check KAFKA_CA_FILE"),
    "no client certificate": ("mutual", TLS, CLIENT_CERTIFICATE),
    "an expired client certificate": (
        "mutual",
        TLS | {"KAFKA_CERT_FILE": "authority-us-expired.both"},
        CLIENT_CERTIFICATE,
    ),
    "a client certificate of another CA": (
        "mutual",
        TLS | {"KAFKA_CERT_FILE": "stranger-us.both"},
        CLIENT_CERTIFICATE,
    ),
    "tls to a plain port": ("plain", TLS, "does not speak TLS: check the port and KAFKA_SECURITY"),
    "no tls to a port of tls": ("tls", {}, "speaks only TLS: set KAFKA_SECURITY to tls or sasl_tls"),
    "a password in the clear to a port of tls": (
        "sasl-tls",
        {"KAFKA_SECURITY": "sasl_plaintext", **LOGIN},
        "speaks only TLS: set KAFKA_SECURITY to tls or sasl_tls",
    ),
    "no log-in": ("sasl-tls", TLS, "requires a log-in: set KAFKA_SECURITY to sasl_tls"),
    "no log-in in the clear": ("sasl", {}, "requires a log-in: set KAFKA_SECURITY to sasl_tls"),
    "a log-in to a broker without users": ("tls", SASL_TLS, "it does not ask for a log-in.*: check KAFKA_SECURITY"),
}


@pytest.mark.parametrize("wrong", REFUSALS)
async def test_a_refusal_is_no_outage(broker: SecureBroker, wrong: str) -> None:
    """Every client fails at once with one sentence, none retries, and none leaves an error that asyncio would log."""
    listener, given, said = REFUSALS[wrong]
    topic = topic_of(broker, (listener, given))

    for refused in (
        ensure_topic(topic),
        find_topic(topic),
        KafkaEventLog(topic).start(),
        KafkaLogReader(topic).ends(),
    ):
        with pytest.raises(BrokenLog, match=said) as error:
            await refused
        assert PASSWORD not in str(error.value)
        await asyncio.sleep(0.01)  # what looks at them may be a callback
        futures = [one for one in gc.get_objects() if isinstance(one, asyncio.Future) and one.done()]
        assert [one for one in futures if one._log_traceback] == []  # an error that nothing looked at


@pytest.mark.parametrize(
    "wrong",
    [
        "a wrong password with scram",
        "another CA",
        pytest.param("an expired certificate", marks=MORE),
        pytest.param("no client certificate", marks=MORE),
    ],
)
def test_processes_end_with_one_sentence(broker: SecureBroker, store: SecureStore, tmp_path: Path, wrong: str) -> None:
    """`provision`, `ingest`, `serve` and a worker exit with an error, and print no password."""
    listener, given, said = REFUSALS[wrong]
    env = environment(broker, (listener, given), "t") | store_env(store, "never_made")
    _all_refuse(tmp_path, dict.fromkeys(("provision", "ingest", "serve", "processors"), env), said)


def _all_refuse(data: Path, envs: Mapping[str, Mapping[str, str]], *said: str) -> None:
    """Check that each command ends at its start with one of these sentences."""
    make_embedded_secrets(data / "secrets")
    running: dict[str, subprocess.Popen[str]] = {}
    for command, env in envs.items():
        line = _line(data, command, *(("--port", "0") if command in ("ingest", "serve") else ()))
        pipe = subprocess.PIPE
        running[command] = subprocess.Popen(line, env={**os.environ, **env}, stdout=pipe, stderr=pipe, text=True)
    for command, process in running.items():
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, out) == (1, ""), (command, out, err)
        (sentence,) = [text for text in err.splitlines() if text.startswith("Error: ")]
        assert any(re.search(text, sentence) for text in said), (command, sentence)
        assert "Traceback" not in err
        assert PASSWORD not in err
        assert "not-the-password" not in err


def test_a_token_command_that_fails_ends_the_start(broker: SecureBroker, store: SecureStore, tmp_path: Path) -> None:
    """The message contains its output; a running process retries."""
    env = environment(broker, WAYS["token over tls"], "t") | store_env(store, "never_made")
    env["KAFKA_TOKEN_COMMAND"] = "sh -c 'echo secret-token; echo no identity >&2; exit 3'"
    said = r"KAFKA_TOKEN_COMMAND \(sh\) ended with 3 \(no identity\)"

    _all_refuse(tmp_path, dict.fromkeys(("provision", "ingest", "processors"), env), said)

    async def reading() -> None:
        topic = KafkaTopic(broker.at("sasl-tls"), "t", 1, kafka_security(load_settings({}, env)))
        with pytest.raises(LogUnavailable, match=said):
            await KafkaLogReader(topic).ends()

    asyncio.run(reading())


async def test_names_that_brokers_give_themselves_are_checked(broker: SecureBroker) -> None:
    """Clients connect to these names; a certificate for only the first address would make them retry endlessly."""
    topic = topic_of(broker, ("renamed", TLS))

    for refused in (ensure_topic(topic), find_topic(topic), KafkaEventLog(topic).start()):
        with pytest.raises(BrokenLog, match=r"of localhost:\d+ is for another name: .* \(advertised.listeners\)"):
            await refused


def acls() -> list[str]:
    """Return the printed lines."""
    return shell_lines("docs/security.md", "Kafka ACLs").splitlines()


def as_user(broker: SecureBroker, user: str, topic: str) -> dict[str, str]:
    """Return the settings of a user with ACLs."""
    return environment(broker, ("sasl-tls", SASL_TLS | {"KAFKA_USER": user}), topic)


def test_the_printed_acls_suffice_and_each_is_needed(broker: SecureBroker, store: SecureStore, tmp_path: Path) -> None:
    """Without rights each command names the missing one; with the printed lines a write is stored."""
    topics = {re.search(r"--topic (\S+)", line)[1] for line in acls() if "--topic" in line}  # type: ignore[index]
    topic, record = sorted(topics)
    assert record == record_topic(topic)
    users = {"provision": "crewkit-provision", "ingest": "crewkit-ingest", "processors": "crewkit-projector"}
    database = f"db_{secrets.token_hex(4)}"
    envs = {command: as_user(broker, user, topic) | store_env(store, database) for command, user in users.items()}
    _all_refuse(
        tmp_path,
        envs,
        f"the user crewkit-provision lacks the right Describe on the topic {record}: run `kafka-acls",
        f"the user crewkit-ingest lacks the rights Describe and DescribeConfigs and Write on the topic {topic}",
        f"the user crewkit-projector lacks the rights Describe and DescribeConfigs and Read on the topic {topic}",
    )

    broker.allow(*acls())
    (tmp_path / "carried").mkdir()
    _carry(tmp_path / "carried", store, database, envs)


async def test_a_missing_right_is_named(broker: SecureBroker) -> None:
    """It is Write for appends, Read for projectors, the group for its members; also for a certificate's user."""
    made = topic_of(broker, WAYS["tls"])
    await ensure_topic(made)
    looks = "--operation Describe --operation DescribeConfigs"
    broker.allow(
        f"kafka-acls --add --allow-principal User:looks {looks} --topic {made.name}",
        f"kafka-acls --add --allow-principal User:groupless {looks} --operation Read --topic {made.name}",
    )

    def as_(user: str) -> KafkaTopic:
        return topic_of(broker, ("sasl-tls", SASL_TLS | {"KAFKA_USER": user}), made.name)

    await find_topic(as_("groupless"))
    with pytest.raises(BrokenLog, match=r"the user looks lacks the right Write on the topic .*: run .kafka-acls"):
        await KafkaEventLog(as_("looks")).start()
    with pytest.raises(BrokenLog, match="the user looks lacks the right Read on the topic"):
        await find_topic(as_("looks"))
    with pytest.raises(BrokenLog, match=r"the user groupless lacks the rights Describe and Read on the group any.g1"):
        await find_group(as_("groupless"), GROUP)
    unknown = ("mutual", TLS | {"KAFKA_CERT_FILE": "authority-nothing.both"})
    with pytest.raises(BrokenLog, match=r"the client with the certificate .*authority-nothing.both lacks the right"):
        await find_topic(topic_of(broker, unknown, made.name))
    token: tuple[str, Any] = ("sasl-tls", OAUTH | {"KAFKA_TOKEN_COMMAND": "nothing.token"})
    with pytest.raises(BrokenLog, match="the client with the token of KAFKA_TOKEN_COMMAND lacks the right Create"):
        await ensure_topic(topic_of(broker, token))
