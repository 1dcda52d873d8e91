"""A topic that is trimmed behind an archive: the keeper killed at each step, and workers that come too late."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.log.kafka import KafkaLogReader, KafkaTopic
from tests.faults.test_workers import SentLog, one_clean_pass
from tests.integration.s3_proxy import S3Proxy
from tests.support.rigs.projector_rig import PARTITIONS, ProjectorRig, ended, started_rig
from tests.support.rigs.store import Options, new_address
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
HOT_DAYS = "0.00003"  # 2.6 seconds
STEPS = ("log.segment_written", "log.segment_named", "keeper.archived", "keeper.checked", "keeper.trimmed")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """Start an S3 server; the environment has its credentials."""
    made = S3Proxy(tmp_path / "s3")
    for variable, value in made.environment.items():
        monkeypatch.setenv(variable, value)
    yield made
    made.end()


@pytest.fixture(params=["folder", "bucket"])
def rig(kafka: str, engine: Options, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ProjectorRig]:
    """Provide a topic, tables on the shared store, and a place for the archive."""
    with started_rig(kafka, tmp_path, new_address(engine)) as made:
        if request.param == "bucket":
            request.getfixturevalue("server")
            made.archive = "s3://backups/archive"
        yield made


def keeper(rig: ProjectorRig, fail_point: str = "") -> subprocess.Popen[bytes]:
    return rig.run("keeper", "--hot-days", HOT_DAYS, fail_point=fail_point)


def await_empty(rig: ProjectorRig) -> None:
    """Wait until nothing is left in the topic."""

    async def bounds() -> tuple[list[int], list[int]]:
        reader = KafkaLogReader(KafkaTopic(rig.bootstrap, rig.topic, PARTITIONS))
        try:
            return [*await reader.starts()], [*await reader.ends()]
        finally:
            await reader.stop()

    def is_empty() -> bool:
        starts, ends = asyncio.run(bounds())
        return starts == ends

    eventually(is_empty, within_s=60)


@pytest.mark.fault(row=34)
def test_a_worker_finds_in_the_archive_what_the_topic_no_longer_has(rig: ProjectorRig, engine: Options) -> None:
    """The keeper is killed at each step; one worker stops before, another begins after everything is trimmed."""
    sent = SentLog(rig)
    count = asyncio.run(sent.send_sessions(sessions=2))
    early = rig.worker()
    rig.await_projected(count)
    early.terminate()
    assert ended(early) == 0
    for step in STEPS:
        asyncio.run(sent.send_sessions(sessions=2))
        assert ended(keeper(rig, fail_point=f"{step}:1:kill")) == -signal.SIGKILL, step
    keeping = keeper(rig)
    await_empty(rig)

    late = rig.worker()
    rig.await_projected(len(sent.records))
    asyncio.run(sent.send_sessions(sessions=2))
    rig.await_projected(len(sent.records))

    assert rig.tables() == asyncio.run(one_clean_pass(engine, sent.records))
    for process in (late, keeping):
        process.terminate()
        assert ended(process) == 0
