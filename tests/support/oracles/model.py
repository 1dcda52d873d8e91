"""The world of the model check: one log, one store, one consumer group, and workers with the real pipeline.

Every step is a method that returns a description of what it did. Nothing happens between steps. `fakes.gated_store` and
`fakes.faust` replace threads, the store and Faust.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from processors.flow.observer import Observers
from processors.projections.records import place_at
from processors.warehouse import Bucket, day_of
from schemas.log.position import LogRecord
from schemas.log.records import NO_ID
from schemas.store.rows import DAY_S, QUARTER_S, FactRow, ReceiptRow
from store.broken import Broken
from store.reading.guard import HIDDEN
from tests.support.fakes.faust import TOPIC, Assigned
from tests.support.fakes.gated_store import Call, GatedExecutor, GatedWarehouse, Outcome
from tests.support.fakes.replicas import ReplicaView
from tests.support.fakes.warehouse import FakeWarehouse, quarter_of
from tests.support.oracles.model_recount import (
    Erasure,
    Violation,
    check_amounts,
    check_oracle,
    check_rollups,
    check_states,
    covers,
    difference,
    erasures_in,
    is_erased,
    is_readable,
)
from tests.support.oracles.model_worker import PARTITIONS, Log, ModelLog, Worker, make_pipeline
from tests.support.oracles.rollups import RollupRow, rollup_of_day, rollup_of_quarter
from tests.support.oracles.sessions import TOOL_TYPES
from tests.support.rigs.projection import targets_of

NOTICED_WITHIN_S = 90
Place = tuple[int, int]  # (partition, offset)


class World:
    """The whole system. Workers are A and B; commits and assignments belong to the broker."""

    versions_are_sums = True  # of rollups; False in mutants that break it, so that only readers' results may catch them

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.log: Log = [[] for _ in range(PARTITIONS)]
        self.store = FakeWarehouse(PARTITIONS)
        self.committed = [0] * PARTITIONS
        self.owners: list[str] = ["A"] * PARTITIONS
        self.generations = [0] * PARTITIONS
        self.workers: dict[str, Worker] = {}
        self.gone: list[Worker] = []
        self.late: list[Call] = []  # calls of dead workers
        self.now = 0.0  # in seconds
        self.lost: set[Place] = set()  # receipts that the store had and lost
        self._owed: set[Place] = set()  # those that must be restored without a repair
        self._marks_seen = [0] * PARTITIONS  # of dense receipts
        self._checked = [0] * PARTITIONS
        self._rollups_checked = 0

    def warehouse(self, _worker: str) -> FakeWarehouse | ReplicaView:
        """Return a worker's access to the store."""
        return self.store

    # ------------------------------------------------------------------ the log

    def append(self, key: bytes, value: bytes, partition: int) -> None:
        records = self.log[partition]
        records.append(LogRecord(partition, len(records), key, value, 1_768_900_000_000))

    # ------------------------------------------------------------------ workers

    def start(self, name: str, cache_bytes: int) -> None:
        """Start a process under its static id; it gets the partitions that are still assigned to it."""
        self.workers[name] = Worker(name, self, cache_bytes)
        self._idle()
        self._assign(self.workers[name])

    def crash(self, name: str, in_flight: bool) -> None:
        """Kill a worker as with kill -9. Its calls in progress may still reach the store."""
        worker = self.workers.pop(name, None)
        if worker is None:
            return  # it has already ended by itself
        self.gone.append(worker)
        for call in worker.calls:
            call.heard = False
        if in_flight:
            self.late += [call for call in worker.calls if call.kind in ("write", "rollups") or call.in_steps]
        worker.calls.clear()

    def rebalance(self, owners: Sequence[str], deaf: Sequence[str]) -> None:
        """Assign partitions to these workers. ``deaf`` workers do not notice: they are suspended, or cut off."""
        for partition, owner in enumerate(owners):
            if self.owners[partition] != owner:
                self.generations[partition] += 1
        self.owners = list(owners)
        for name in sorted(self.workers.keys() - set(deaf)):
            self._revoke(self.workers[name])
            self._assign(self.workers[name])

    def _revoke(self, worker: Worker) -> None:
        gone, worker.owned = sorted(worker.owned), {}
        worker.consumer.forget(gone)
        worker.app.restart_delivery()
        self._signal(worker.app.on_partitions_revoked.send, gone)

    def _assign(self, worker: Worker) -> None:
        mine = [p for p in range(PARTITIONS) if self.owners[p] == worker.name]
        worker.owned = {p: self.generations[p] for p in mine}
        for partition in mine:
            worker.position[partition] = self.committed[partition]
            worker.consumer.seek(partition, self.committed[partition], self.committed[partition])
        self._signal(worker.app.on_partitions_assigned.send, mine)

    def _signal(self, send: Any, partitions: Sequence[int]) -> None:
        self.loop.run_until_complete(send(None, [Assigned(TOPIC, partition) for partition in partitions]))
        self._idle()

    # ------------------------------------------------------------------ delivery of records

    def deliver(self, name: str, counts: Sequence[int]) -> list[tuple[int, int]]:
        """Deliver the next records of its partitions as one batch; return their positions, or None if it has ended."""
        worker = self.workers.get(name)
        if worker is None:
            return []
        if records := worker.fetch(counts):
            worker.receive(records)
            self._idle()
        return [(record.partition, record.offset) for record in records]

    def seek(self, name: str, partition: int, by: int) -> int:
        """Move the position forward, as if Faust lost records, or back to fetch again; return the new position."""
        worker = self.workers[name]
        to = min(max(worker.position[partition] + by, 0), len(self.log[partition]))
        if by < 0:
            worker.consumer.seek(partition, to)
        worker.position[partition] = to
        return to

    def withhold(self, name: str, partition: int) -> None:
        """From now on, let Faust silently fetch nothing from a partition for this worker."""
        self.workers[name].withheld.add(partition)

    def pass_time(self, name: str, flow: Callable[[], None]) -> int | None:
        """Advance the clock until a watchdog must have acted, with some traffic every 30 seconds.

        Return the worker's exit code if its watchdog ended it.
        """
        worker = self.workers[name]
        stuck = {p for p in worker.withheld & worker.owned.keys() if worker.position[p] < len(self.log[p])}
        for second in range(NOTICED_WITHIN_S):
            self.now += 1
            if second % 30 == 0:
                flow()
            if name not in self.workers:
                return None  # another error ended it
            worker.progress.ends = [len(records) for records in self.log]
            worker.watchdog.check()
            if worker.ended_with is not None:
                break
        self._check_watchdog(worker, stuck)
        return worker.ended_with

    def _check_watchdog(self, worker: Worker, stuck: set[int]) -> None:
        if worker.ended_with is None and stuck:
            raise Violation("a partition that Faust withholds is noticed", f"{worker.name} goes on without {stuck}")
        if worker.ended_with is not None:
            if worker.handed_all_that_waits():
                raise Violation("a worker that does what it can is left alone", f"{worker.name} was ended")
            self.crash(worker.name, in_flight=True)

    def offsets(self, partitions: Sequence[int]) -> tuple[dict[int, int], ...]:
        """Return the broker's committed offsets, and the starts and ends of the log."""
        ends = {p: len(self.log[p]) for p in partitions}
        return {p: self.committed[p] for p in partitions}, dict.fromkeys(partitions, 0), ends

    def commit(self, name: str) -> dict[int, int]:
        """Commit the offset that Faust computes from the acknowledgements; return what the broker accepted."""
        worker = self.workers[name]
        offsets = worker.consumer.to_commit(range(PARTITIONS))
        taken = {p: o for p, o in offsets.items() if p in worker.owned and worker.owned[p] == self.generations[p]}
        for partition, offset in taken.items():
            self.committed[partition] = offset
        worker.consumer.committed(taken)
        return taken

    # ------------------------------------------------------------------ the store

    def pending(self) -> list[tuple[str, Call]]:
        """Return every waiting call, by worker."""
        return [(name, call) for name in sorted(self.workers) for call in self.workers[name].calls]

    def calls_of(self, name: str) -> list[Call]:
        """Return a worker's calls, the oldest first; none if it does not run."""
        return self.workers[name].calls if name in self.workers else []

    def roll_up(self, name: str) -> str:
        """Let a worker begin to refresh the rollups."""
        begins = name in self.workers and self.workers[name].roll_up()
        self._idle()
        return f"{name} {'begins' if begins else 'has no need'} to refresh the rollups"

    def look_at_receipts(self, name: str) -> str:
        """Let a worker begin to check the receipts that were written since its marks."""
        looks = name in self.workers and self.workers[name].look_at_receipts()
        self._idle()
        return f"{name} {'begins' if looks else 'has no need'} to look at its receipts"

    def lose_receipts(self, partition: int, start: int, count: int) -> list[int]:
        """Let the store lose some receipts between two calls; return their offsets."""
        places = [(partition, offset) for offset in range(start, start + count)]
        gone = [place for place in places if self.store.tables["receipts"].pop(place, None)]
        self.lost.update(gone)
        return [offset for _, offset in gone]

    def come_back_older(self, partition: int, keep: int) -> list[int]:
        """Kill the workers, and restore the store from an older copy without the last receipts of a partition."""
        while self.late:
            self.land(self.late[0], "done")
        for name in sorted(self.workers):
            self.crash(name, in_flight=False)
        gone = self.lose_receipts(partition, keep, len(self.log[partition]))
        self._owed.update((partition, offset) for offset in gone)
        return gone

    def is_in_rollups(self, name: str) -> bool:
        """Return whether its oldest call is in the middle of a refresh of rollups."""
        return any(call.in_steps for call in self.calls_of(name)[:1])

    def run(self, name: str, call: Call, outcome: Outcome) -> str:
        """Continue one call of a worker."""
        said = call.run("done" if call.kind == "committed offsets" else outcome)
        worker = self.workers[name]
        if call.ended:
            worker.calls.remove(call)
        self._idle()
        if worker.app.crashed is not None:
            self._exit(worker)
            said += ", and the worker ends"
        return said

    def land(self, call: Call, outcome: Outcome) -> str:
        """Continue a call of a dead worker."""
        said = call.run(outcome)
        if call.ended:
            self.late.remove(call)
        return said

    def _exit(self, worker: Worker) -> None:
        """End a worker after an error: Faust commits the acknowledgements, and the process ends."""
        if not isinstance(worker.app.crashed, Broken):
            raise worker.app.crashed or AssertionError
        self.commit(worker.name)
        self.crash(worker.name, in_flight=True)

    def _idle(self) -> None:
        """Run everything that can run."""
        ready = self.loop._ready  # type: ignore[attr-defined]  # the only way to know that nothing is left to do
        while ready:
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    # ------------------------------------------------------------------ the end

    def heal(self) -> None:
        """Stop all faults: late calls finish, and one worker owns, delivers and commits everything."""
        while self.late:
            self.land(self.late[0], "done")
        for worker in self.workers.values():
            worker.withheld.clear()
        self.finish()
        if "A" not in self.workers:
            self.start("A", 5)
        self.rebalance(["A"] * PARTITIONS, deaf=[])
        self.finish()
        for _ in range(100):
            if self.committed == [len(records) for records in self.log]:
                break
            self.deliver("A", [8] * PARTITIONS)
            self.finish()
            self.commit("A")
        else:
            raise Violation("lag returns to 0", f"committed {self.committed} of {list(map(len, self.log))}")
        self._repair()
        self._finish_rollups()

    def _repair(self) -> None:
        """Let the worker fill every gap on request. Receipts lost at the store's end must be back before that."""
        self._forget_lost()
        if self._owed:
            raise Violation("what a store lost at its end is projected again", f"no receipts for {sorted(self._owed)}")
        self.workers["A"].fill_holes()
        self._idle()
        self.finish()
        self._forget_lost()
        if self.lost:
            raise Violation("a repair finds what is lost", f"no receipts for {sorted(self.lost)}")
        self.look_at_receipts("A")
        self.finish()

    def _finish_rollups(self) -> None:
        """Let the rollups reach the end, even if a refresh is under way."""
        for _ in range(2):
            self.roll_up("A")
            self.finish()
        marks = [self.store.rollup_mark(partition).rolled_up for partition in range(PARTITIONS)]
        if marks != self.committed:
            raise Violation("the rollups reach the end", f"marks {marks} of {self.committed}")

    def finish(self) -> None:
        """Let every call of every worker succeed."""
        for _ in range(10_000):
            if not (pending := self.pending()):
                return
            self.run(*pending[0], "done")
        raise Violation("lag returns to 0", "calls without end")

    def close(self) -> None:
        """Close everything."""
        for worker in (*self.workers.values(), *self.gone):
            worker.app.cancel()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self._idle()
        self.loop.close()

    # ------------------------------------------------------------------ promises

    def check(self) -> None:
        """Check the invariants after every step."""
        for conflict in self.store.conflicts:
            if self.versions_are_sums or conflict.table != "rollups":
                raise Violation("equal version means equal content", conflict)
        self._forget_lost()
        receipted = [self._receipted(partition) for partition in range(PARTITIONS)]
        self._check_committed(receipted)
        self._check_said(receipted)
        self._check_marks(receipted)
        self._check_dense_marks()
        self._check_rollups()

    def _forget_lost(self) -> None:
        """Forget lost receipts that were written again."""
        self.lost -= self.store.tables["receipts"].keys()
        self._owed &= self.lost

    def _receipted(self, partition: int) -> int:
        """Return how many records have, or had, their receipt. No record may be projected above another gap."""
        offsets = sorted(offset for of, offset in self.store.tables["receipts"].keys() | self.lost if of == partition)
        if offsets != list(range(len(offsets))):
            raise Violation("nothing is projected above a hole", f"partition {partition} has receipts for {offsets}")
        return len(offsets)

    def _check_committed(self, receipted: Sequence[int]) -> None:
        """Check that everything below a committed offset has its receipt, and every receipt its facts."""
        for partition, count in enumerate(receipted):
            if self.committed[partition] > count:
                what = f"partition {partition} is committed up to {self.committed[partition]}, receipts reach {count}"
                raise Violation("what is committed is projected", what)
            for record in self.log[partition][self._checked[partition] : count]:
                self._check_facts(record)
            self._checked[partition] = count

    def _check_facts(self, record: LogRecord) -> None:
        """Check what a receipt implies: its dead letter, or its facts and everything derived from those that count.

        What is erased must not be there, but for the receipt.
        """
        tables, place = self.store.tables, (record.partition, record.offset)
        if not is_readable(record):
            return self._must_be(place in tables["dead_letters"], f"dead letter {place}")
        before = erasures_in(self.log[record.partition][: self._receipted(record.partition)])
        if is_erased(record, before):
            of_session = [one for one in before if not one.offsets]
            return self._check_erased(record, only_it=not is_erased(record, of_session))
        body = json.loads(record.value or b"")
        org, session = body["org_id"], UUID(body["session_id"])
        for index, fact in enumerate(body.get("events", [{"event_id": body.get("fact_id")}])):
            row: FactRow | None = tables["facts"].get((org, session, place_at(record.offset, index)))
            self._must_be(row is not None, f"fact {fact['event_id']} of {place}")
            if row is not None and row.is_deleted:
                ids = (other.event_id for other in self.store.facts([(org, session)], record.offset + 1))
                self._must_be(row.event_id in ids, f"fact {fact['event_id']} before {place}")
            elif row is not None:
                self._check_what_follows(row)
        return None

    def _check_positions(self, erasure: Erasure) -> None:
        """Check that no table shows a fact of erased positions."""
        gone = {(erasure.partition, erasure.org, offset) for offset in erasure.offsets}
        for row in self.store.rows("facts"):
            if (row.log_partition, row.org_id, row.log_offset) in gone:
                raise Violation("what is erased is not shown", f"facts: {row}")

    def _check_erased(self, record: LogRecord, only_it: bool) -> None:
        """Check that no table shows anything of an erased record, or of what an erasure erases."""
        body = json.loads(record.value or b"")
        (of_it,) = erasures_in([record]) or [
            Erasure(record.partition, body["org_id"], [body["session_id"]], [record.offset] if only_it else [])
        ]
        if of_it.offsets:
            return self._check_positions(of_it)
        for table in HIDDEN:
            for row in self.store.rows(table):
                if covers([of_it], row.log_partition, row.org_id, str(row.session_id)):
                    raise Violation("what is erased is not shown", f"{table}: {row}")
        receipts, sessions = self.store.tables["receipts"], self.store.tables["sessions"].values()
        ours = [row for row in sessions if not row.is_erased or (row.log_partition, row.version - 1) not in receipts]
        there = Counter((row.org_id, quarter_of(row)) for row in ours)
        for row in self.store.tables["rollups"].values():
            if row.seconds == QUARTER_S and row.sessions > there[row.org_id, row.bucket]:
                raise Violation("what is erased is not shown", f"{row.sessions} sessions in {row}")
        return None

    def _check_what_follows(self, fact: FactRow) -> None:
        """Check what is derived from a fact that counts: session, task, digest and analysis are as of it or later."""
        tables, of, version = self.store.tables, (fact.org_id, fact.session_id), fact.log_offset + 1
        place = f"of {fact.log_partition}:{fact.log_offset}"
        seen = [row.version for row in tables["sessions"].values() if (row.org_id, row.session_id) == of]
        self._must_be(any(one >= version for one in seen), f"session {place}")
        if fact.event_type in TOOL_TYPES and fact.tool_use_id:
            self._must_be((*of, "tool", fact.tool_use_id) in tables["tasks"], f"use of a tool {place}")
        if fact.kind == "compaction_requested":
            self._must_be((*of, fact.event_id) in tables["compactions"], f"digest {place}")
        if fact.kind == "session_ended":
            analysis = tables["analyses"].get(of)
            self._must_be(analysis is not None and analysis.version >= version, f"analysis {place}")

    def _must_be(self, is_there: bool, what: str) -> None:
        if not is_there:
            raise Violation("a receipt means that everything is there", f"no {what}")

    def _check_said(self, receipted: Sequence[int]) -> None:
        """Check that a worker reports progress only for its own partitions, and never too much."""
        for worker in self.workers.values():
            for partition, offset in worker.pipeline.written.items():
                if partition not in worker.owned:
                    raise Violation("nothing is said of partitions of others", f"{worker.name} speaks of {partition}")
                if offset > receipted[partition]:
                    raise Violation(
                        "what is said to be written is written",
                        f"{worker.name} says {partition}:{offset}, receipts reach {receipted[partition]}",
                    )

    def _check_marks(self, receipted: Sequence[int]) -> None:
        """Check that no mark of the rollups is beyond what is projected."""
        for partition, count in enumerate(receipted):
            mark = self.store.rollup_mark(partition).rolled_up
            if mark > count:
                what = f"the rollups claim {partition}:{mark}, receipts reach {count}"
                raise Violation("what is in the rollups is projected", what)

    def _check_dense_marks(self) -> None:
        """Check that a dense mark moves only over positions with receipts. A repair finds what is lost below it."""
        for partition, seen in enumerate(self._marks_seen):
            mark = self.store.dense_mark(partition).below
            for place in ((partition, offset) for offset in range(seen, mark)):
                if place not in self.store.tables["receipts"]:
                    what = f"from {partition}:{seen} to {mark}, {place} has no receipt"
                    raise Violation("a mark moves over receipts alone", what)
            self._marks_seen[partition] = mark

    def _check_rollups(self) -> None:
        """Check that a bucket equals its parts once all are below their mark, and whenever its version says so."""
        if self._rollups_checked != self.store.writes:
            self._rollups_checked = self.store.writes
            self.check_rollups_of(self.store, self.marks_of(self.store))

    def marks_of(self, store: FakeWarehouse) -> list[int]:
        """Return how far the rollups follow each partition."""
        return [store.rollup_mark(partition).rolled_up for partition in range(PARTITIONS)]

    def check_rollups_of(self, store: FakeWarehouse, marks: Sequence[int]) -> None:
        """Check the buckets of one store against these marks."""
        sessions = _grouped(store.tables["sessions"].values(), quarter_of)
        amounts = _grouped(store.tables["amounts"].values(), lambda row: row.bucket)
        rollups = store.tables["rollups"]
        open_days = set()
        for bucket in sessions.keys() | amounts.keys():
            of_bucket = sessions[bucket], amounts[bucket]
            is_below = all(row.version <= marks[row.log_partition] for rows in of_bucket for row in rows)
            if not is_below:
                open_days.add(day_of(bucket))
            found = rollups.get((bucket[0], QUARTER_S, bucket[1]))
            self._check_bucket("quarter", found, rollup_of_quarter(*bucket, *of_bucket), is_below)
        quarters = [row for row in rollups.values() if row.seconds == QUARTER_S]
        for bucket, rows in _grouped(quarters, lambda row: row.bucket // DAY_S * DAY_S).items():
            day = rollups.get((bucket[0], DAY_S, bucket[1]))
            self._check_bucket("day", day, rollup_of_day(*bucket, rows), bucket not in open_days)

    def _check_bucket(self, kind: str, found: RollupRow | None, now: RollupRow | None, is_below: bool) -> None:
        if is_below and self._comparable(found) != self._comparable(now):
            raise Violation(f"what is below its mark is in its {kind}", f"{found} is not {now}")
        if self.versions_are_sums and found and now and found.version == now.version and found != now:
            raise Violation(f"a current {kind} is the sum of its parts", f"{found} is not {now}")

    def _comparable(self, row: Any) -> Any:
        return row if self.versions_are_sums or row is None else msgspec.structs.replace(row, version=0)

    def check_end(self) -> None:
        """Check that after healing the tables equal those of one clean pass and of a slow recount."""
        self.check()
        clean = self._clean_pass()
        for table in clean.tables.keys() - {"session_states"}:  # which states are saved depends on the batches
            if self._seen(clean, table) != self._seen(self.store, table):
                raise Violation("the tables of one clean pass", f"{table}: {difference(clean, self.store, table)}")
        check_oracle(self.store, [record for records in self.log for record in records])
        check_states(self.store)
        check_amounts(self.store)
        if self.versions_are_sums:
            check_rollups(self.store)

    def _seen(self, store: FakeWarehouse, table: str) -> list[Any]:
        rows = store.rows(table)
        if table == "receipts":
            return [as_read(row, store) for row in rows]
        return [self._comparable(row) for row in rows] if table == "rollups" else rows

    def _clean_pass(self) -> FakeWarehouse:
        clean = FakeWarehouse(PARTITIONS)
        made = make_pipeline(clean, ModelLog(self.log), 1_000_000, Observers())
        calls: list[Call] = []
        threads: Any = GatedExecutor(calls, GatedWarehouse(clean), "clean")
        calls_of = made.calls
        calls_of._fold_thread = calls_of._write_threads = calls_of._rollup_thread = threads

        async def all_of_it() -> None:
            await made.project([record for records in self.log for record in records])
            await made.drain()
            await made.rollups.refresh(made.rollups.due(targets_of(made)))
            for partition, below in made.written.items():
                await made.dense_receipts.follow(partition, below)

        running = self.loop.create_task(all_of_it())
        self._idle()
        while calls:
            calls[0].run("done")
            if calls[0].ended:
                calls.pop(0)
            self._idle()
        running.result()
        return clean


def as_read(receipt: ReceiptRow, store: FakeWarehouse) -> ReceiptRow:
    """Return a receipt as readers see it: that of an erased record is what is left of it."""
    of_session = receipt.org_id, receipt.session_id
    sessions = {(row.org_id, row.session_id) for row in store.tables["erased"].values()}
    places = {(row.log_partition, row.erased_offset) for row in store.tables["erased_positions"].values()}
    if of_session not in sessions and (receipt.log_partition, receipt.log_offset) not in places:
        return receipt
    return ReceiptRow(receipt.log_partition, receipt.log_offset, NO_ID, "erased", *of_session, "", 0, 0, 0, "")


def _grouped(rows: Iterable[Any], start: Callable[[Any], int]) -> dict[Bucket, list[Any]]:
    """Group rows by org and the start of their bucket."""
    groups: dict[Bucket, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.org_id, start(row)].append(row)
    return groups
