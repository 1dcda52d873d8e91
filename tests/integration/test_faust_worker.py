"""The Faust worker on a real broker and a real store server: poison, guards, graceful stops."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of, record_key
from tests.support.agent_facts import SESSIONS
from tests.support.rigs.projector_rig import PARTITIONS, ProjectorRig, ended, started_rig
from tests.support.rigs.store import Options, new_address
from tests.support.strategies import log_of, one_event
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
KEY = record_key(SESSIONS[0])
HOME = partition_of(KEY, PARTITIONS)
GOOD = log_of([one_event(n) for n in range(6)])


@pytest.fixture
def projector_rig(kafka: str, engine: Options, tmp_path: Path) -> Iterator[ProjectorRig]:
    """Start a topic, and its tables on the shared server: these tests are about the log."""
    with started_rig(kafka, tmp_path, new_address(engine)) as rig:
        yield rig


@pytest.fixture(scope="module")
def projecting(kafka: str, engine: Options, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectorRig]:
    """Run a worker; others with the same identity are refused."""
    with started_rig(kafka, tmp_path_factory.mktemp("projecting"), new_address(engine)) as rig:
        asyncio.run(rig.send(GOOD[:1]))
        rig.worker()
        rig.await_projected(1)
        yield rig


def _poison() -> list[tuple[LogRecord, str]]:
    good = encode(one_event(50))
    other_key = record_key(SESSIONS[1])
    return [
        (LogRecord(HOME, 0, KEY, b"", 0), "the record has no value"),
        (LogRecord(HOME, 0, KEY, None, 0), "the record has no value"),
        (LogRecord(HOME, 0, KEY, b"\x1f\x8b\x00garbage", 0), "not a record"),
        (LogRecord(HOME, 0, KEY, b'{"kind": "from_the_future", "v": 1}', 0), "not a record"),
        (LogRecord(HOME, 0, KEY, good.replace(b'"v":1', b'"v":2'), 0), "version 2 is unknown"),
        (LogRecord(HOME, 0, KEY, good.replace(b'"events":[', b'"events":[7,'), 0), "not a record"),
        (LogRecord(HOME, 0, other_key, good, 0), "the key is not the session id"),
        (LogRecord(HOME, 0, None, good, 0), "the key is not the session id"),
        (LogRecord(1 - HOME, 0, KEY, good, 0), "does not belong to partition"),
        (LogRecord(HOME, 0, KEY, b"[" * 100_000, 0), "not a record"),
        (LogRecord(HOME, 0, KEY, b"x" * 5_000_000, 0), "not a record"),
    ]


@pytest.mark.fault(row=15)
async def test_poison_becomes_dead_letters_and_stops_no_worker(projector_rig: ProjectorRig) -> None:
    """Each unreadable record is stored with its reason and receipt; the records around it are projected."""
    poison = _poison()
    records = [GOOD[0], *(record for record, _ in poison[:5]), GOOD[1], *(record for record, _ in poison[5:]), GOOD[2]]
    await projector_rig.send(records)

    worker = projector_rig.worker()
    projector_rig.await_projected(len(records))

    letters = projector_rig.query("SELECT reason, length(value) FROM dead_letters FINAL")
    assert len(letters) == len(poison)
    for record, reason in poison:
        assert any(reason in found and size == len(record.value or b"") for found, size in letters), reason
    assert projector_rig.query("SELECT events FROM sessions FINAL") == [(3,)]
    assert projector_rig.query("SELECT count(), uniqExact(log_partition, log_offset) FROM receipts FINAL") == [
        (len(records), len(records))
    ]
    worker.terminate()
    assert ended(worker) == 0


async def test_a_worker_that_starts_again_goes_on_where_everything_was_written(projector_rig: ProjectorRig) -> None:
    """After kill -9 and a restart under the same static id no record is lost or counted twice."""
    await projector_rig.send(GOOD[:3])
    first = projector_rig.worker()
    projector_rig.await_projected(3)
    first.kill()
    first.wait()
    await projector_rig.send([*GOOD[3:], GOOD[0]])

    projector_rig.worker()
    projector_rig.await_projected(7)

    assert projector_rig.query("SELECT events, version FROM sessions FINAL") == [(6, 6)]
    assert projector_rig.query("SELECT sum(added), count() FROM receipts FINAL") == [(6, 7)]


@pytest.mark.fault(row=24)
def test_a_second_worker_under_the_same_instance_is_refused(projecting: ProjectorRig) -> None:
    """Two processes with the same static id would make each other rejoin endlessly."""
    second = projecting.finish("processors", "--instance", "0")

    assert second.returncode == 1
    assert "choose another number" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.fault(row=24)
async def test_a_second_worker_with_the_same_host_name_is_noticed(projector_rig: ProjectorRig) -> None:
    """On another machine no lock finds it. One of the two says why it exits, and nothing counts twice."""
    await projector_rig.send(GOOD[:3])
    workers = [projector_rig.short_timeout_worker(0)]
    projector_rig.await_projected(3)
    workers.append(projector_rig.short_timeout_worker(0, data=projector_rig.folder / "elsewhere"))
    eventually(lambda: any(worker.poll() is not None for worker in workers), within_s=90)
    for worker in workers:  # the other one notices at the same moment, or continues as the only one
        worker.terminate()
    codes = {ended(worker) for worker in workers}
    await projector_rig.send(GOOD[3:])
    projector_rig.short_timeout_worker(0)
    projector_rig.await_projected(len(GOOD))

    assert 1 in codes
    assert codes <= {0, 1, -signal.SIGTERM}  # one that ends by itself at that moment no longer handles signals
    assert "another projector is the member" in (projector_rig.folder / "processors.log").read_text()
    assert projector_rig.query("SELECT sum(added), count() FROM receipts FINAL") == [(len(GOOD), len(GOOD))]


@pytest.mark.fault(row=24)
async def test_a_log_that_lost_its_tail_is_refused(projector_rig: ProjectorRig, kafka: str) -> None:
    """A recreated topic would silently skip new records, so the worker refuses to run."""
    await projector_rig.send(GOOD)
    worker = projector_rig.worker()
    projector_rig.await_projected(len(GOOD))
    worker.terminate()
    assert ended(worker) == 0
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics([projector_rig.topic])
    await admin.close()
    eventually(lambda: projector_rig.finish("provision", "--partitions", str(PARTITIONS)).returncode == 0)
    await projector_rig.send(GOOD[:2])

    refused = projector_rig.finish("processors", "--instance", "0")

    assert refused.returncode == 1
    assert "lost its tail" in refused.stderr


@pytest.mark.fault(row=24)
def test_another_partition_count_is_refused(projecting: ProjectorRig) -> None:
    """The count decides the partition of a session, so `provision` and the worker refuse another one."""
    again = projecting.finish("provision", "--partitions", str(PARTITIONS + 1))
    worker = projecting.finish("processors", "--instance", "1", PARTITIONS=str(PARTITIONS + 1))

    assert again.returncode == 1
    assert f"{PARTITIONS} partitions" in again.stderr
    assert worker.returncode == 1
    assert f"{PARTITIONS} partitions" in worker.stderr


@pytest.mark.fault(row=24)
def test_without_a_broker_the_worker_ends_with_a_message(projecting: ProjectorRig) -> None:
    """Its supervisor restarts it with back-off."""
    away = projecting.finish("processors", "--instance", "1", "--log-url", "kafka://127.0.0.1:1/none")

    assert away.returncode == 69
    assert "does not answer" in away.stderr
    assert "Traceback" not in away.stderr
