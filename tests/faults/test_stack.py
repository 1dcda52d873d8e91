"""Faults on the production shape: real Kafka, real Faust workers, the store server, killed and stopped by pid."""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.history import History
from support.installation import ORG, Installation, eventually_ok
from support.kafka import need_jars

pytestmark = pytest.mark.kafka
SERVICES = {"kafka", "store-server", "serve", "projector-0", "projector-1"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One stack for this module; each test leaves it healthy."""
    need_jars()
    installation = Installation("stack", tmp_path_factory.mktemp("stack")).start()
    yield installation
    code = installation.stop()
    installation.end()
    assert code == 0, "SIGTERM ends everything within 20 s with exit 0"


def test_there_is_one_process_by_pid_file_for_each_service(stack: Installation) -> None:
    """Each pid file names a process that lives, and none is the supervisor's."""
    pids = stack.pids()

    assert set(pids) == SERVICES
    assert len(set(pids.values())) == len(SERVICES)
    assert stack.process is not None
    assert stack.process.pid not in pids.values()
    assert all(Path(f"/proc/{pid}").exists() for pid in pids.values())


def test_a_projector_killed_in_the_middle_of_its_writes_loses_and_doubles_nothing(stack: Installation) -> None:
    """kill -9 of a worker under load, several times: after it came back every answer equals what was sent."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    history = History(stack, seed)

    writers = history.in_threads(3, sessions=4, batches=60, size=70)
    for n in range(4):
        time.sleep(0.7)
        stack.send(f"projector-{n % 2}", signal.SIGKILL)
    for writer in writers:
        writer.join(timeout=120)
        assert not writer.is_alive()

    history.check()


def test_while_the_broker_hangs_writes_get_503_within_9_s_and_recover_by_themselves(stack: Installation) -> None:
    """A write to a broker that does not answer is refused with Retry-After; the same request works once it is back."""
    client = stack.client()
    body = {"agent_name": "broker-away"}
    stack.send("kafka", signal.SIGSTOP)
    try:
        begun = time.monotonic()
        reply = client.post(f"/api/v1/{ORG}/sessions", json=body, headers={"Idempotency-Key": "broker-away"})
        took_s = time.monotonic() - begun
    finally:
        stack.send("kafka", signal.SIGCONT)

    again = eventually_ok(
        client, "POST", f"/api/v1/{ORG}/sessions", json=body, headers={"Idempotency-Key": "broker-away"}
    )

    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json()["code"] == "log_unavailable"
    assert took_s < 9
    read = eventually_ok(
        client,
        "GET",
        f"/api/v1/{ORG}/sessions/{again.json()['data']['id']}",
        headers={"X-Wait-For-Position": again.headers["X-Log-Position"]},
    )
    assert read.json()["data"]["agent_name"] == "broker-away"


def test_while_the_store_is_away_writes_are_accepted_reads_get_503_and_the_backlog_drains(stack: Installation) -> None:
    """The write side needs no store; what it accepted meanwhile is visible once the store is back."""
    client = stack.client(timeout=30)
    stack.send("store-server", signal.SIGSTOP)
    try:
        written = client.post(f"/api/v1/{ORG}/sessions", json={"agent_name": "store-away"})
        read = client.get(f"/api/v1/{ORG}/sessions")
    finally:
        stack.send("store-server", signal.SIGCONT)

    seen = eventually_ok(
        client,
        "GET",
        f"/api/v1/{ORG}/sessions?agent_name=store-away",
        headers={"X-Wait-For-Position": written.headers["X-Log-Position"]},
    )

    assert written.status_code == httpx.codes.CREATED
    assert read.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert read.headers["Retry-After"]
    assert read.json()["code"] == "store_unavailable"
    assert [session["id"] for session in seen.json()["data"]] == [written.json()["data"]["id"]]


def test_a_killed_store_server_comes_back_with_everything_it_acknowledged(stack: Installation) -> None:
    """kill -9 of the store under load: the projectors wait, write again, and the audit agrees."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    client = stack.client(org="globex")
    created = eventually_ok(client, "POST", "/api/v1/globex/sessions", json={"agent_name": "before"})
    position = {"X-Wait-For-Position": created.headers["X-Log-Position"]}
    eventually_ok(client, "GET", "/api/v1/globex/sessions", headers=position)

    stack.send("store-server", signal.SIGKILL)
    eventually_ok(client, "POST", "/api/v1/globex/sessions", json={"agent_name": "during"})

    def agents() -> set[str]:
        reply = eventually_ok(client, "GET", "/api/v1/globex/sessions")
        return {session["agent_name"] for session in reply.json()["data"]}

    deadline = time.monotonic() + 30
    while agents() != {"before", "during"} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert agents() == {"before", "during"}
    for command in ("coverage", "recount"):
        audit = stack.command(command)
        assert audit.returncode == 0, audit.stdout + audit.stderr
