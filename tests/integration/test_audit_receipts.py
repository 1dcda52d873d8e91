"""Coverage, receipts and freshness on the real engine, over tables that the real pipeline filled."""

from uuid import UUID

from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Erased
from tests.support.builders import ORG, LogBuilder, created, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.audited import OTHER, Operations

pytest_plugins = ["tests.support.rigs.audit_fixtures"]


async def test_a_missing_receipt_is_a_gap(filled: Operations) -> None:
    """A position without a receipt is listed as [start, stop), in the middle and at the end of those projected."""
    before = await filled.data("operator/coverage")
    end = before["partitions"][1]["end"]
    filled.alter(f"DELETE FROM {{db}}.receipts WHERE log_partition = 1 AND log_offset IN (2, 3, {end - 1})")

    after = await filled.data("operator/coverage")

    assert (before["complete"], before["missing"], before["partitions"][1]["gaps"]) == (True, 0, [])
    assert (after["complete"], after["missing"]) == (False, 3)
    assert after["partitions"][1]["gaps"] == [[2, 4], [end - 1, end]]
    assert sum(partition["dead"] for partition in before["partitions"]) == 1


async def test_a_partition_without_any_receipt_is_one_gap(filled: Operations) -> None:
    """A partition that is reported as projected needs receipts, even if it has none at all."""
    end = (await filled.data("operator/coverage"))["partitions"][2]["end"]
    filled.alter("DELETE FROM {db}.receipts WHERE log_partition = 2")

    partition = (await filled.data("operator/coverage"))["partitions"][2]

    assert (partition["first"], partition["end"], partition["count"]) == (None, end, 0)
    assert (partition["missing"], partition["gaps"]) == (end, [[0, end]])


async def test_receipts_are_seen_by_their_org_alone(filled: Operations) -> None:
    """For other orgs the position looks unwritten: waiting, without a time."""
    (ours,) = filled.store.rows(f"SELECT * FROM {{db}}.receipts WHERE org_id = '{ORG}' ORDER BY log_offset LIMIT 1")
    position = f"{ours['log_partition']}:{ours['log_offset']}"

    receipt = await filled.data(f"{ORG}/ops/receipts/{position}", ORG, "viewer")

    assert (receipt["outcome"], receipt["facts"], receipt["added"], receipt["reason"]) == ("projected", 1, 1, None)
    foreign = await filled.data(f"{OTHER}/ops/receipts/{position}", OTHER, "owner")
    unwritten = await filled.data(f"{OTHER}/ops/receipts/1:100000", OTHER, "owner")
    assert foreign == {**unwritten, "position": position}
    for org in (ORG, OTHER):
        assert (await filled.data(f"{org}/ops/receipts/1:100000", org, "member"))["outcome"] == "waiting"
        for unknown in ("9:1", "70000:1", "1", "1:", "a:b", "01:2", "1:-1", "1:99999999999999999999"):
            assert (await filled.get(f"{org}/ops/receipts/{unknown}", org, "owner")).status_code == 404


async def test_a_dead_record_says_why_to_the_org_that_it_names(operations: Operations) -> None:
    """Only the org in the record's bytes sees that it is dead, and why; for others it is waiting."""
    log = LogBuilder()
    (newer,) = log.add(created(named(0), v=2))
    garbage = log.add_bytes(b"garbage")
    await operations.project(log.records)

    receipt = await operations.data(f"{ORG}/ops/receipts/{newer.partition}:{newer.offset}", ORG, "member")

    assert (receipt["outcome"], receipt["reason"]) == ("dead", "version 2 is unknown here")
    for record, org in ((newer, OTHER), (garbage, ORG), (garbage, OTHER)):
        other = await operations.data(f"{org}/ops/receipts/{record.partition}:{record.offset}", org, "owner")
        assert (other["outcome"], other["reason"], other["received_at"]) == ("waiting", None, None)


async def test_an_erased_position_is_covered_and_says_so_to_its_org(operations: Operations) -> None:
    """Its receipt has no facts, no reason and no time of receipt.

    One that names no org, like that of garbage, is shown to none.
    """
    log = LogBuilder()
    erasure = UUID(int=9, version=4)
    of_session, of_org = (
        log.add_bytes(encode(Erased(v=1, erasure=erasure, **known)), named(0).bytes)
        for known in ({"org_id": ORG, "session_id": named(0)}, {"session_id": named(0)})
    )
    await operations.project(log.records)

    partition = (await operations.data("operator/coverage"))["partitions"][of_session.partition]
    receipts = [
        await operations.data(f"{ORG}/ops/receipts/{record.partition}:{record.offset}", ORG, "member")
        for record in (of_session, of_org)
    ]

    counts = [partition[name] for name in ("count", "projected", "dead", "erased", "missing")]
    assert counts == [2, 0, 0, 2, 0]
    assert [receipt["outcome"] for receipt in receipts] == ["erased", "waiting"]
    assert [receipts[0][name] for name in ("received_at", "facts", "added", "reason")] == [None] * 4
    assert receipts[0]["stored_at"]


async def test_an_agent_sees_the_receipts_of_its_user_alone(operations: Operations) -> None:
    """This holds for records that added facts, repeated known ones, or are dead; all others look unwritten."""
    log = LogBuilder()
    alice, bob = Actor("alice", "agent"), Actor("bob", "member")
    batch = recorded(named(0), hook("Stop", event_id=log.uuid()), actor=alice)
    mine = [*log.add(created(named(0), actor=alice), batch, batch), *log.add(created(named(0), actor=alice, v=2))]
    others = [*log.add(recorded(named(0), hook("Stop"), actor=bob), created(named(2), actor=bob))]
    others += log.add(created(named(2), actor=bob, v=2))
    await operations.project(log.records)

    def path(record: LogRecord) -> str:
        return f"{ORG}/ops/receipts/{record.partition}:{record.offset}"

    seen = [await operations.data(path(record), ORG, "agent") for record in mine]
    hidden = [await operations.data(path(record), ORG, "agent") for record in others]

    assert [receipt["outcome"] for receipt in seen] == ["projected", "projected", "projected", "dead"]
    assert [receipt["added"] for receipt in seen[:3]] == [1, 1, 0]
    assert {receipt["outcome"] for receipt in hidden} == {"waiting"}
    assert {receipt["received_at"] for receipt in hidden} == {None}
    to_a_member = [(await operations.data(path(record), ORG, "member"))["outcome"] for record in others]
    assert to_a_member == ["projected", "projected", "dead"]


async def test_freshness_is_that_of_the_oldest_partition(filled: Operations) -> None:
    """Lag counts waiting records; everything before the earliest `complete_through` is visible."""
    filled.alter("INSERT INTO {db}.progress VALUES (3, 1000, 1010, '2026-01-20 09:00:00.000')")

    reply = await filled.get("operator/freshness")

    found = reply.json()["data"]
    assert reply.headers["X-Generation"] == "g1"
    assert found["complete_through"] == "2026-01-20T09:00:00.000Z"
    assert found["lag_records"] == 10
    assert [partition["partition"] for partition in found["partitions"]] == [0, 1, 2, 3]
    assert found["partitions"][3]["age_seconds"] > 3600
