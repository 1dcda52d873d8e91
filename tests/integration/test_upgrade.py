"""A rolling upgrade: the tables change first, while the previous version runs."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from tests.support.builders import LogBuilder, created, ended, hook, recorded, reported, usage
from tests.support.builders import session_id as named
from tests.support.rigs.installation import Installation
from tests.support.rigs.operator import Operator
from tests.support.rigs.projection import new_pipeline, settle, tables
from tests.support.rigs.projector_rig import PARTITIONS, ProjectorRig
from tests.support.rigs.projector_rig import ended as end_of
from tests.support.rigs.store import TABLES, Options, new_address, new_store

pytestmark = pytest.mark.kafka
PLACES = {"sessions": "AFTER created", "facts": "FIRST"}
# `provision` of a version with one more numbered file.
PROVISION_OF_TOMORROW = """
import sys
from cli.main import main
from store import migrate
of_today, tomorrow = migrate._files, migrate.Migration(999, "0999_tomorrow.sql", sys.argv.pop())
migrate._files = lambda kind: (*of_today(kind), *((tomorrow,) if kind == "generation" else ()))
main()
"""


class Sent:
    """A log that is put into the topic session by session."""

    def __init__(self, rig: ProjectorRig) -> None:
        self._rig, self.log, self._sent = rig, LogBuilder(PARTITIONS), 0

    async def more(self, sessions: int) -> int:
        """Append that many more sessions; return the number of records."""
        for session in [named(f"upgrade-{self._sent}-{n}") for n in range(sessions)]:
            self.log.add(created(session, agent_name="reviewer"))
            self.log.add(recorded(session, hook("PreToolUse", tool_name="Bash", tool_use_id="t"), hook("Stop")))
            self.log.add(reported(session, usage(input_tokens=7, cost_nano=10**9)))
            self.log.add(ended(session))
        await self._rig.send(self.log.records[self._sent :])
        self._sent = len(self.log.records)
        return self._sent


def provision_of_tomorrow(rig: ProjectorRig) -> None:
    """Add a column with a default to every table, but not at its end."""
    added = ";\n".join(
        f"ALTER TABLE {table} ADD COLUMN mood LowCardinality(String) DEFAULT 'calm' {PLACES.get(table, '')}"
        for table in (*TABLES, "progress")
    )
    command = [sys.executable, "-P", "-c", PROVISION_OF_TOMORROW, "provision", "--data", str(rig.folder)]
    env = os.environ | rig.env
    subprocess.run([*command, "--partitions", str(PARTITIONS), added], env=env, check=True, timeout=60)


async def test_a_new_column_is_provisioned_while_an_old_worker_projects(
    projector_rig: ProjectorRig, engine: Options
) -> None:
    """The worker continues, also after a restart; the old read side answers; every number is correct."""
    sent = Sent(projector_rig)
    worker = projector_rig.worker()
    projector_rig.await_projected(await sent.more(4))

    count = await sent.more(20)  # in flight while the tables change
    provision_of_tomorrow(projector_rig)
    projector_rig.await_projected(count)
    projector_rig.await_projected(await sent.more(4))
    assert worker.poll() is None
    worker.send_signal(signal.SIGKILL)
    end_of(worker)
    worker = projector_rig.worker()
    projector_rig.await_projected(await sent.more(4))

    assert projector_rig.query("SELECT DISTINCT mood FROM sessions") == [("calm",)]
    _check_with_the_read_side(projector_rig)
    worker.terminate()
    assert end_of(worker) == 0
    for table in TABLES:
        projector_rig.query(f"ALTER TABLE {table} DROP COLUMN mood")
    with contextlib.contextmanager(new_store)(new_address(engine), PARTITIONS) as store:
        pipeline = new_pipeline(store, sent.log.records)
        await pipeline.project(sent.log.records)
        await settle(pipeline)
        assert projector_rig.tables() == tables(store)


def _check_with_the_read_side(rig: ProjectorRig) -> None:
    serve = Installation("serve", rig.folder)
    serve.environment |= rig.env
    serve.start()
    try:
        assert Operator(serve).finds_nothing()
        with serve.client(org="acme") as client:
            for path in (
                "sessions",
                "sessions/analytics/timeseries",
                "sessions/analytics/timeseries?agent_name=reviewer",
            ):
                assert client.get(f"/api/v1/acme/{path}").status_code == 200
    finally:
        assert serve.stop() == 0
