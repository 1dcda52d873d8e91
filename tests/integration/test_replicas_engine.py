"""Replicated tables of the real engine, coordinated by a real ZooKeeper, accept every statement of the product.

Only one replica runs at a time: parts are fetched from a port that only `clickhouse-server` opens. For the same reason
the databases are plain, see `tests/integration/replica_engine.py`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.replica_engine import CONFIG
from tests.integration.zookeeper import ZooKeeper
from tests.support import CHECKOUT
from tests.support.rigs.personas import Failed, Persona, act
from tests.support.rigs.whole_store import asked_by_the_read_side

RIG = "tests.integration.replica_engine:"
PROCESSORS = {file.stem for file in (CHECKOUT / "processors" / "sql").glob("*.sql")}


@pytest.fixture
def zookeeper(tmp_path: Path) -> Iterator[ZooKeeper]:
    node = ZooKeeper(tmp_path / "zookeeper")
    yield node
    node.end()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as name:  # a short path, see the rig
        yield Path(name)


# Everything is done twice, by two engines one after the other.
EVERYTHING_S = 1200


def on_replica(folder: Path, zookeeper: ZooKeeper, name: str, hosts: int) -> Any:
    return act(folder, Persona(), RIG + name, hosts, config=CONFIG.format(port=zookeeper.port, replica="r1"))


def plain(engines: dict[str, str]) -> dict[str, str]:
    return {table: engine.removeprefix("Replicated") for table, engine in engines.items()}


def assert_replicated(found: Any) -> None:
    """Assert that every table replicates: none is read-only, and each has its one active replica."""
    assert found["replicas"] == [[0, 1, 1]]
    assert {engine for engine in found["engines"].values() if not engine.startswith("Replicated")} == {"View"}


def test_replicated_tables_take_what_a_projector_writes(zookeeper: ZooKeeper, folder: Path, tmp_path: Path) -> None:
    """Provisioning, inserts with their quorum, and repairs with DELETE leave as many rows as on ordinary tables."""
    replicated = on_replica(folder, zookeeper, "project", 1)
    ordinary = act(tmp_path / "ordinary", Persona(), f"{RIG}project", 0)

    assert_replicated(replicated)
    assert plain(replicated["engines"]) == ordinary["engines"] == plain(ordinary["engines"])
    assert replicated["rows"] == ordinary["rows"]
    assert min(count for ((count,),) in ordinary["rows"].values()) > 0


@pytest.mark.part("brokers")
@pytest.mark.timeout(EVERYTHING_S)
def test_replicated_tables_answer_every_question_like_others(
    zookeeper: ZooKeeper, folder: Path, tmp_path: Path
) -> None:
    """Provisioning, projection with its quorum and SYNC, repairs with DELETE, questions, audits: all are the same."""
    replicated = on_replica(folder, zookeeper, "everything", 1)
    ordinary = act(tmp_path / "ordinary", Persona(), f"{RIG}everything", 0)

    assert_replicated(replicated)
    assert plain(replicated["engines"]) == ordinary["engines"] == plain(ordinary["engines"])
    assert replicated["made_again"] == []
    assert set(replicated["used"]) == PROCESSORS
    assert set(replicated["asked"]["used"]) == asked_by_the_read_side()
    assert replicated["asked"] == ordinary["asked"]


def test_an_insert_needs_a_majority_of_the_listed_servers(zookeeper: ZooKeeper, folder: Path) -> None:
    """With one of two servers, a writer waits and sends again; nothing is acknowledged that only one server has."""
    with pytest.raises(Failed, match=r"^StoreUnavailable: .*TOO_FEW_LIVE_REPLICAS"):
        on_replica(folder, zookeeper, "provision", 2)
