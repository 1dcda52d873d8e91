"""API section "Erasures": the states of one erasure, what it waits for, and its certificate, on the real engine."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from generations.certifying import Certifier
from ingest.log.tiered import copies_of
from processors.sweeping import Sweeper
from runtime.services.projector import make_warehouse
from schemas.log.position import LogRecord, Position
from schemas.log.topics import partition_of, record_key
from store.generations import Generation, create_generation
from store.migrate import migrate
from store.reading.guard import HIDDEN
from tests.support.builders import ERASURE, ORG, LogBuilder, created, erased, hook, recorded, records_erased
from tests.support.builders import session_id as named
from tests.support.rigs.audited import OTHER, Operations
from tests.support.rigs.projection import ListedLog
from tests.support.rigs.store import Options, TestStore, new_address, new_store

PARTITIONS = 4
GONE = named(0)
HOME = partition_of(record_key(GONE), PARTITIONS)
OF_IT = f"{ORG}/erasures/{ERASURE}"


class Rig:
    """A projector's store and log, and the routes. Nothing happens by itself."""

    def __init__(self, store: TestStore, log: LogBuilder) -> None:
        self.operations, self.records = Operations(store), log.records
        self._store, self.log = store, ListedLog(self.records, PARTITIONS)

    def certifier(self, generation: str = "g1") -> Certifier:
        warehouse: Any = make_warehouse(self._store.address, generation)
        self.sweeper = Sweeper(warehouse, {0: 1})
        progress = SimpleNamespace(lags=list)
        parts: Any = SimpleNamespace(pipeline=None, progress=progress, warehouse=warehouse, sweeper=self.sweeper)
        copies = copies_of(self.log, PARTITIONS)
        return Certifier(parts, self.operations.reader, Generation(generation, PARTITIONS), copies)

    def rewrite_log(self, keys: Sequence[bytes]) -> None:
        """Put stubs in the place of the records with these keys."""
        self.log._records = [erased(one) if one.key in keys else one for one in self.records]

    async def progress(self) -> tuple[str, list[str]]:
        found = await self.operations.data(OF_IT, ORG, "admin")
        return found["state"], found["waits_for"]

    async def certificate(self) -> tuple[int, Any]:
        reply = await self.operations.get(f"{OF_IT}/certificate", ORG, "admin")
        return reply.status_code, reply.json()

    async def listed(self) -> set[str]:
        return {one["state"] for one in await self.operations.data(f"{ORG}/erasures", ORG, "admin")}


def make_rig(store: TestStore, *erasures: Any) -> Rig:
    log = LogBuilder(PARTITIONS)
    for n in range(4):
        log.add(created(named(n)), recorded(named(n), hook("Stop")))
    log.add(*erasures)
    return Rig(store, log)


@pytest.fixture
def store(embedded_engine: Options) -> Iterator[TestStore]:
    """Return a store in this process, whose old parts live for a second instead of eight minutes."""
    for store in new_store(new_address(embedded_engine), PARTITIONS):
        for table in HIDDEN:
            store.client.command(f"ALTER TABLE {store.database}.{table} MODIFY SETTING old_parts_lifetime = 1")
        control = store.address.control
        store.client.command(f"INSERT INTO {control}.installation (partitions, secrets) VALUES (4, 'fingerprint')")
        yield store


async def test_an_erasure_goes_through_its_states_and_gets_a_certificate(store: TestStore) -> None:
    """It waits for each step in turn; what is found later reopens it, and then there is no certificate."""
    rig = make_rig(store, records_erased(HOME, GONE))
    at = next(Position(one.partition, one.offset) for one in rig.records if one == rig.records[-1])
    first = next(Position(one.partition, one.offset) for one in rig.records if one.key == record_key(GONE))
    steps, certificates, listed = [], [], []

    async def look() -> None:
        steps.append(await rig.progress())
        certificates.append(await rig.certificate())
        listed.append(await rig.listed())

    unknown = (await rig.operations.get(OF_IT, ORG, "admin")).status_code
    await rig.operations.project(rig.records)
    certifier = rig.certifier()
    await look()
    await rig.sweeper.sweep(lambda *_: None)
    await look()
    await certifier.look()
    await look()
    rig.rewrite_log([record_key(GONE)])
    await certifier.check(lambda *_: None)
    await look()
    store.client.command(f"INSERT INTO {store.database}.tasks (org_id, session_id) VALUES ('{ORG}', '{GONE}')")
    await certifier.check(lambda *_: None)
    await look()
    store.client.command(f"ALTER TABLE {store.database}.tasks DELETE WHERE 1 SETTINGS mutations_sync = 2")
    await certifier.check(lambda *_: None)
    await look()

    assert unknown == 404
    assert steps == [
        ("hidden", ["g1 is swept after 2026-01-21T10:00:00.000Z"]),
        ("swept", ["g1 is checked after its sweep"]),
        ("swept", [f"the log has 2 erased records, the first at {first}"]),
        ("certified", []),
        ("swept", ["g1 has rows of erased sessions in tasks: 1"]),
        ("certified", []),
    ]
    assert listed == [{"hidden"}, {"swept"}, {"swept"}, {"certified"}, {"swept"}, {"certified"}]
    assert [status for status, _ in certificates] == [409, 409, 409, 200, 409, 200]
    assert certificates[5][1]["data"]["certified_at"] > certificates[3][1]["data"]["certified_at"]
    assert (certificates[0][1]["code"], certificates[0][1]["details"]) == (
        "not_certified",
        {"state": ["hidden"], "waits_for": steps[0][1]},
    )
    _check_certificate(certificates[3][1]["data"], rig.records, at)


def _check_certificate(found: Any, records: Sequence[LogRecord], at: Position) -> None:
    (checked,) = found.pop("checked")
    ends = {str(p): [0, sum(one.partition == p for one in records)] for p in range(PARTITIONS)}
    assert checked["copies"] == [{"place": "log", "read": ends}]
    assert checked["tables"] == sorted(HIDDEN)
    assert found["recorded_at"] == "2026-01-20T10:00:00.000Z"
    assert found["certified_at"] >= checked["ended_at"] > checked["began_at"] > found["recorded_at"]
    assert {name: found[name] for name in ("format", "erasure", "subject", "records", "reason")} == {
        "format": 1,
        "erasure": str(ERASURE),
        "subject": {"kind": "sessions", "sessions": 1},
        "records": {"erased": 2, "by_partition": {str(at.partition): 2}},
        "reason": "",
    }
    assert (found["installation"], "alice" in str(found), str(GONE) in str(found)) == ("fingerprint", False, False)


async def test_an_org_is_certified_once_every_generation_is(store: TestStore) -> None:
    """A second generation holds it back, until it is checked or dropped; other orgs get 404, and so do other ids."""
    rig = make_rig(store, *[records_erased(partition) for partition in range(PARTITIONS)])
    rig.rewrite_log([record_key(named(n)) for n in range(4)])
    await rig.operations.project(rig.records)
    certifier = rig.certifier()
    await rig.sweeper.sweep(lambda *_: None)
    await certifier.look()
    alone = await rig.progress()
    migrate(store.address, store.address.database("g2"), "generation")
    store.client.database = store.address.control
    create_generation(store.client, store.address, Generation("g2", PARTITIONS))
    beside = await rig.progress(), await rig.listed()
    found = await rig.operations.data(OF_IT, ORG, "admin")
    others = [
        await rig.operations.get(f"{org}/erasures/{id_}{part}", org, "owner")
        for org, id_ in ((OTHER, ERASURE), (ORG, uuid4()), (ORG, "1"))
        for part in ("", "/certificate")
    ]
    store.client.command("INSERT INTO generations (name, event) VALUES ('g2', 'dropped')")
    without = await rig.progress(), (await rig.certificate())[1]["data"]["subject"]

    erasure = next(one for one in rig.records if one.partition == 0 and one.offset == len(in_partition(rig, 0)) - 1)
    assert alone == ("certified", [])
    assert beside == (("swept", [f"g2 has not projected 0:{erasure.offset}"]), {"swept"})
    assert (found["subject"], found["sessions"], found["records"]["erased"]) == ("org", 4, 8)
    assert [reply.status_code for reply in others] == [404] * 6
    assert without == (("certified", []), {"kind": "org", "sessions": 4})


def in_partition(rig: Rig, partition: int) -> list[LogRecord]:
    return [one for one in rig.records if one.partition == partition]
