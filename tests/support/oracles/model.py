"""The world of the model check: one log, one store, one consumer group, and workers with the real pipeline in them.

Every step is a method that says in words what it did. Nothing happens between steps, and nothing by itself: see
`fakes.gated_store` and `fakes.faust` for what stands in the place of threads, the store and Faust.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.broken import Broken
from processors import availability, gaps, pipeline
from processors.dead_letter_limit import DeadLetterLimit
from processors.observer import Observers
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.progress import Progress
from processors.runners import faust_app
from processors.runners.watchdog import Watchdog
from processors.state_cache import StateCache
from processors.warehouse import Bucket, Warehouse
from schemas.log.position import LogReader, LogRecord
from schemas.store.rows import FactRow
from tests.support.fakes.faust import Assigned, Event, FakeApp, FakeConsumer
from tests.support.fakes.gated_store import Call, GatedExecutor, GatedWarehouse, Outcome
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.oracles.rollups import RollupRow, rollup_of_hours, rollup_of_sessions
from tests.support.oracles.sessions import TOOL_TYPES, first_copies, recount, recount_tasks

PARTITIONS = 2
TOPIC = "records"
NOTICED_WITHIN_S = 90
Log = list[list[LogRecord]]  # by partition


class Violation(AssertionError):
    """A promise was broken; ``promise`` names it."""

    def __init__(self, promise: str, what: object) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise


class ModelLog:
    """Reads the log by offset, a record or two at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def ends(self) -> Sequence[int]:
        return [len(records) for records in self._log]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        return self._log[partition][start : min(stop, start + 2)]


class WorkerSettings(Struct):
    """What `faust_app` needs to know, and the way in which it asks for offsets."""

    offsets: Any
    topic: str = TOPIC
    partitions: int = PARTITIONS
    group: str = "group"
    batch_records: int = 10
    batch_wait_s: float = 0.0


class Worker:
    """One incarnation of a worker process."""

    def __init__(self, name: str, world: "World", facts_max: int) -> None:
        self.name, self._world = name, world
        self.calls: list[Call] = []
        self.told: dict[int, int] = {}  # what it believes to own: partition -> generation of the assignment
        self.position: dict[int, int] = {}
        self.withheld: set[int] = set()  # partitions of which Faust fetches nothing
        self.ended_with: int | None = None
        self.consumer = FakeConsumer()
        self.app = FakeApp(world.loop)
        self._store = GatedWarehouse(world.store)
        self._executor = GatedExecutor(self.calls, self._store, "committed offsets")
        self._observers = Observers()
        self.pipeline = self._pipeline(facts_max)
        with patch.object(faust_app, "_app", lambda _settings: self.app):
            faust_app.build_app(WorkerSettings(self._offsets), self.pipeline, [])  # type: ignore[arg-type]
        self.progress = self._progress()
        self.watchdog = Watchdog(
            self.progress.places, self.pipeline.pace, clock=lambda: world.now, die=lambda code: self._end(code)
        )
        self._observers.add(self.watchdog)
        self.app.start()

    def _progress(self) -> Progress:
        """It says where partitions stand; nobody looks at what it would write to the store."""
        return Progress(self.pipeline, self._store, ModelLog(self._world.log), lambda: 0)

    def _end(self, code: int) -> None:
        self.ended_with = code

    def _pipeline(self, facts_max: int) -> Pipeline:
        made = make_pipeline(self._store, ModelLog(self._world.log), facts_max, self._observers)
        made._folding = GatedExecutor(self.calls, self._store, "fold")  # type: ignore[assignment]
        made._writing = GatedExecutor(self.calls, self._store, "write")  # type: ignore[assignment]
        made._clock = lambda: self._world.now
        return made

    async def _offsets(self, partitions: Sequence[int]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: self._world.offsets(partitions))

    def fetch(self, counts: Sequence[int]) -> list[Event]:
        """The next records of its partitions, one of each in turn."""
        fetched = {p: self._next(p, count) for p, count in enumerate(counts) if p in self.told.keys() - self.withheld}
        turns = range(max(map(len, fetched.values()), default=0))
        return [self.consumer.receive(some[i]) for i in turns for some in fetched.values() if i < len(some)]

    def handed_all_that_waits(self) -> bool:
        """Faust withheld nothing from it and lost nothing of its partitions."""
        written = self.pipeline.written
        return not self.withheld and all(written.get(p, 0) >= position for p, position in self.position.items())

    def _next(self, partition: int, count: int) -> Sequence[LogRecord]:
        start = self.position[partition]
        records = self._world.log[partition][start : start + count]
        self.position[partition] = start + len(records)
        return records


class World:
    """Everything there is. Workers are A and B; what is committed, and who owns what, is the broker's."""

    versions_are_sums = True  # of rollups; a mutant that says otherwise must be caught by what readers see

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.log: Log = [[] for _ in range(PARTITIONS)]
        self.store = FakeWarehouse(PARTITIONS)
        self.committed = [0] * PARTITIONS
        self.owners: list[str] = ["A"] * PARTITIONS
        self.generations = [0] * PARTITIONS
        self.workers: dict[str, Worker] = {}
        self.gone: list[Worker] = []
        self.late: list[Call] = []  # of workers that are gone
        self.now = 0.0  # seconds
        self._checked = [0] * PARTITIONS
        self._rollups_checked = 0

    # ------------------------------------------------------------------ the log

    def append(self, key: bytes, value: bytes, partition: int) -> None:
        records = self.log[partition]
        records.append(LogRecord(partition, len(records), key, value, 1_768_900_000_000))

    # ------------------------------------------------------------------ workers

    def start(self, name: str, facts_max: int) -> None:
        """A process starts under its static id, and has the partitions that are still its own."""
        self.workers[name] = Worker(name, self, facts_max)
        self._idle()
        self._assign(self.workers[name])

    def crash(self, name: str, in_flight: bool) -> None:
        """kill -9. What was on its way to the store may still arrive."""
        worker = self.workers.pop(name, None)
        if worker is None:
            return  # it has ended by itself
        self.gone.append(worker)
        for call in worker.calls:
            call.heard = False
        if in_flight:
            self.late += [call for call in worker.calls if call.kind == "write"]
        worker.calls.clear()

    def rebalance(self, owners: Sequence[str], deaf: Sequence[str]) -> None:
        """The broker gives partitions to these workers. The deaf do not hear of it: they are stopped, or cut off."""
        for partition, owner in enumerate(owners):
            if self.owners[partition] != owner:
                self.generations[partition] += 1
        self.owners = list(owners)
        for name in sorted(self.workers.keys() - set(deaf)):
            self._revoke(self.workers[name])
            self._assign(self.workers[name])

    def _revoke(self, worker: Worker) -> None:
        gone, worker.told = sorted(worker.told), {}
        worker.consumer.forget(gone)
        self._signal(worker.app.on_partitions_revoked.send, gone)

    def _assign(self, worker: Worker) -> None:
        mine = [p for p in range(PARTITIONS) if self.owners[p] == worker.name]
        worker.told = {p: self.generations[p] for p in mine}
        for partition in mine:
            worker.position[partition] = self.committed[partition]
            worker.consumer.seek(partition, self.committed[partition], self.committed[partition])
        self._signal(worker.app.on_partitions_assigned.send, mine)

    def _signal(self, send: Any, partitions: Sequence[int]) -> None:
        self.loop.run_until_complete(send(None, [Assigned(TOPIC, partition) for partition in partitions]))
        self._idle()

    # ------------------------------------------------------------------ records on their way

    def deliver(self, name: str, counts: Sequence[int]) -> list[tuple[int, int]]:
        """Hand a worker the next records of its partitions, as one batch; their positions. None if it has ended."""
        worker = self.workers.get(name)
        if worker is None:
            return []
        if events := worker.fetch(counts):
            worker.app.stream.batches.put_nowait(events)
            self._idle()
        return [(event.message.partition, event.message.offset) for event in events]

    def seek(self, name: str, partition: int, by: int) -> int:
        """Forward, Faust lost records; back, it fetches them again. Where it goes on."""
        worker = self.workers[name]
        to = min(max(worker.position[partition] + by, 0), len(self.log[partition]))
        if by < 0:
            worker.consumer.seek(partition, to)
        worker.position[partition] = to
        return to

    def withhold(self, name: str, partition: int) -> None:
        """From now on Faust fetches nothing of a partition for this worker, and says nothing of it."""
        self.workers[name].withheld.add(partition)

    def pass_time(self, name: str, flow: Callable[[], None]) -> int | None:
        """Let pass the time in which a watchdog has to notice something, with some traffic every 30 seconds.

        Returns the exit code of the worker if its watchdog ended it.
        """
        worker = self.workers[name]
        stuck = {p for p in worker.withheld & worker.told.keys() if worker.position[p] < len(self.log[p])}
        for second in range(NOTICED_WITHIN_S):
            self.now += 1
            if second % 30 == 0:
                flow()
            if name not in self.workers:
                return None  # something else ended it
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

    def offsets(self, partitions: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
        """What the broker says is committed, and where the log ends."""
        return {p: self.committed[p] for p in partitions}, {p: len(self.log[p]) for p in partitions}

    def commit(self, name: str) -> dict[int, int]:
        """Commit what Faust makes of the acknowledgements; what the broker took."""
        worker = self.workers[name]
        offsets: dict[int, int] = worker.consumer.to_commit(list(range(PARTITIONS)))
        taken = {p: o for p, o in offsets.items() if p in worker.told and worker.told[p] == self.generations[p]}
        for partition, offset in taken.items():
            self.committed[partition] = offset
        worker.consumer.committed(taken)
        return taken

    # ------------------------------------------------------------------ the store

    def pending(self) -> list[tuple[str, Call]]:
        """Every call that waits, by worker."""
        return [(name, call) for name in sorted(self.workers) for call in self.workers[name].calls]

    def calls_of(self, name: str) -> list[Call]:
        """The calls of one worker, the oldest first; none if it does not run."""
        return self.workers[name].calls if name in self.workers else []

    def is_in_rollups(self, name: str) -> bool:
        """Its oldest call has begun to refresh rollups, and goes on step by step."""
        return any(call.in_steps for call in self.calls_of(name)[:1])

    def run(self, name: str, call: Call, outcome: Outcome) -> str:
        """Let one call of a worker go on."""
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
        """Let a call of a worker that is gone go on."""
        said = call.run(outcome)
        if call.ended:
            self.late.remove(call)
        return said

    def _exit(self, worker: Worker) -> None:
        """Something is broken: Faust commits what was acknowledged, and the process ends."""
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
        """No more faults: late calls land, one worker has everything, everything is delivered and committed."""
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
                return
            self.deliver("A", [8] * PARTITIONS)
            self.finish()
            self.commit("A")
        raise Violation("lag returns to 0", f"committed {self.committed} of {list(map(len, self.log))}")

    def finish(self) -> None:
        """Let every call of every worker succeed."""
        for _ in range(10_000):
            if not (pending := self.pending()):
                return
            self.run(*pending[0], "done")
        raise Violation("lag returns to 0", "calls without end")

    def close(self) -> None:
        """Leave nothing behind."""
        for worker in (*self.workers.values(), *self.gone):
            worker.app.cancel()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self._idle()
        self.loop.close()

    # ------------------------------------------------------------------ promises

    def check(self) -> None:
        """What must hold after every step, whatever is in flight."""
        for conflict in self.store.conflicts:
            if self.versions_are_sums or not conflict.table.startswith("rollup"):
                raise Violation("equal version means equal content", conflict)
        receipted = [self._receipted(partition) for partition in range(PARTITIONS)]
        self._check_committed(receipted)
        self._check_said(receipted)
        self._check_rollups(receipted)

    def _receipted(self, partition: int) -> int:
        """How many records have their receipt. No record is projected above a hole."""
        offsets = sorted(offset for of, offset in self.store.tables["receipts"] if of == partition)
        if offsets != list(range(len(offsets))):
            raise Violation("nothing is projected above a hole", f"partition {partition} has receipts for {offsets}")
        return len(offsets)

    def _check_committed(self, receipted: Sequence[int]) -> None:
        """Everything below a committed offset has its receipt, and what has a receipt has its facts."""
        for partition, count in enumerate(receipted):
            if self.committed[partition] > count:
                what = f"partition {partition} is committed up to {self.committed[partition]}, receipts reach {count}"
                raise Violation("what is committed is projected", what)
            for record in self.log[partition][self._checked[partition] : count]:
                self._check_facts(record)
            self._checked[partition] = count

    def _check_facts(self, record: LogRecord) -> None:
        """What a receipt stands for: its dead letter, or its facts and all that follows from those that count."""
        tables, place = self.store.tables, (record.partition, record.offset)
        if not is_readable(record):
            return self._must_be(place in tables["dead_letters"], f"dead letter {place}")
        body = json.loads(record.value or b"")
        org, session = body["org_id"], UUID(body["session_id"])
        for fact in body.get("events", [{"event_id": body.get("fact_id")}]):
            row: FactRow | None = tables["facts"].get((org, session, UUID(fact["event_id"])))
            self._must_be(row is not None, f"fact {fact['event_id']} of {place}")
            if row is not None and (row.log_partition, row.log_offset) == place:
                self._check_what_follows(row)
        return None

    def _check_what_follows(self, fact: FactRow) -> None:
        """From a fact that counts: the session as of it or later, its task, its digest, its analysis."""
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
        """A worker says of its partitions alone how far they are, and never too much."""
        for worker in self.workers.values():
            for partition, offset in worker.pipeline.written.items():
                if partition not in worker.told:
                    raise Violation("nothing is said of partitions of others", f"{worker.name} speaks of {partition}")
                if offset > receipted[partition]:
                    raise Violation(
                        "what is said to be written is written",
                        f"{worker.name} says {partition}:{offset}, receipts reach {receipted[partition]}",
                    )

    def _check_rollups(self, receipted: Sequence[int]) -> None:
        """A bucket says what its sessions say once each has its receipt, and whenever its version says so."""
        if self._rollups_checked == self.store.writes:
            return
        self._rollups_checked = self.store.writes
        sessions, hours = self._grouped("sessions", "started_hour"), self.store.tables["rollup_hourly"]
        open_days = set()
        for bucket, some in sessions.items():
            receipts = all(session.version <= receipted[session.log_partition] for session in some)
            if not receipts:
                open_days.add(_day(bucket))
            self._check_bucket("hour", hours.get(bucket), rollup_of_sessions(*bucket, some), receipts)
        of_days: dict[Bucket, list[RollupRow]] = defaultdict(list)
        for bucket, row in hours.items():
            of_days[_day(bucket)].append(row)
        for bucket, rows in of_days.items():
            day = self.store.tables["rollup_daily"].get(bucket)
            self._check_bucket("day", day, rollup_of_hours(*bucket, rows), bucket not in open_days)

    def _check_bucket(self, kind: str, found: RollupRow | None, now: RollupRow | None, receipts: bool) -> None:
        if receipts and self._comparable(found) != self._comparable(now):
            raise Violation(f"what has its receipt is in its {kind}", f"{found} is not {now}")
        if self.versions_are_sums and found and now and found.version == now.version and found != now:
            raise Violation(f"a current {kind} is the sum of its parts", f"{found} is not {now}")

    def _comparable(self, row: Any) -> Any:
        return row if self.versions_are_sums or row is None else msgspec.structs.replace(row, version=0)

    def _grouped(self, table: str, bucket: str) -> dict[Bucket, list[Any]]:
        groups: dict[Bucket, list[Any]] = defaultdict(list)
        for row in self.store.tables[table].values():
            groups[row.org_id, getattr(row, bucket)].append(row)
        return groups

    def check_end(self) -> None:
        """After healing the tables are those of one clean pass, and what a slow recount says."""
        self.check()
        clean = self._clean_pass()
        for table in clean.tables:
            if self._seen(clean, table) != self._seen(self.store, table):
                raise Violation("the tables of one clean pass", f"{table}: {_difference(clean, self.store, table)}")
        check_oracle(self.store, [record for records in self.log for record in records])
        if self.versions_are_sums:
            check_rollups(self.store)

    def _seen(self, store: FakeWarehouse, table: str) -> list[Any]:
        rows = store.rows(table)
        return [self._comparable(row) for row in rows] if table.startswith("rollup") else rows

    def _clean_pass(self) -> FakeWarehouse:
        clean = FakeWarehouse(PARTITIONS)
        made = make_pipeline(clean, ModelLog(self.log), 1_000_000, Observers())
        calls: list[Call] = []
        made._folding = made._writing = GatedExecutor(calls, GatedWarehouse(clean), "clean")  # type: ignore[assignment]

        async def all_of_it() -> None:
            await made.project([record for records in self.log for record in records])
            await made.drain()

        running = self.loop.create_task(all_of_it())
        self._idle()
        while calls:
            calls[0].run("done")
            if calls[0].ended:
                calls.pop(0)
            self._idle()
        running.result()
        return clean


def make_pipeline(store: Warehouse, reader: LogReader, facts_max: int, observers: Observers) -> Pipeline:
    """As a process would make it."""
    cache = StateCache(facts_max)
    planner = Planner(store, cache, Pricing(store), PARTITIONS, DeadLetterLimit(2))
    return Pipeline(store, reader, planner, cache, observers)


def is_readable(record: LogRecord) -> bool:
    """Everything but the poison that is drawn."""
    return bool(record.value) and (record.value or b"")[:1] == b"{"


def check_oracle(store: FakeWarehouse, records: Sequence[LogRecord]) -> None:
    """Facts, sessions and tasks as a slow recount of the log has them."""
    values = [record.value or b"" for record in records if is_readable(record)]
    facts = {
        (row.org_id, str(row.session_id), str(row.event_id)): (row.event_type, row.timestamp, json.loads(row.data))
        for row in store.rows("facts")
        if row.kind == "events_recorded"
    }
    _same("facts are what the log says", facts, first_copies(values))
    _check_sessions(store, recount(values))
    tasks = {(row.org_id, str(row.session_id), row.kind, row.task_id): row for row in store.rows("tasks")}
    wanted = recount_tasks(values)
    found = {key: {name: getattr(row, name) for name in wanted.get(key, {})} for key, row in tasks.items()}
    _same("tasks are what the log says", found, wanted)


def check_rollups(store: FakeWarehouse) -> None:
    """Every bucket is the sum of its sessions, and there are no others."""
    hours = {(row.org_id, row.started_hour) for row in store.rows("sessions")}
    _same("rollups are the sums of their sessions", store.rows("rollup_hourly"), store.read_hours(sorted(hours)))
    days = {(org, hour // 86_400 * 86_400) for org, hour in hours}
    _same("rollups are the sums of their sessions", store.rows("rollup_daily"), store.read_days(sorted(days)))
    total = sum(row.version for row in store.rows("sessions"))
    _same("rollups are the sums of their sessions", sum(row.version for row in store.rows("rollup_daily")), total)


def _check_sessions(store: FakeWarehouse, expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    rows = store.rows("sessions")
    _same("one row a session", sorted((row.org_id, str(row.session_id)) for row in rows), sorted(expected))
    for row in rows:
        wanted = dict(expected[row.org_id, str(row.session_id)])
        del wanted["reported_cost"]  # prices have tests of their own
        _same("sessions are what the log says", {name: getattr(row, name) for name in wanted}, wanted)


def _same(promise: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Violation(promise, f"{found} is not {wanted}")


def _day(bucket: tuple[str, int]) -> tuple[str, int]:
    return bucket[0], bucket[1] // 86_400 * 86_400


def _difference(clean: FakeWarehouse, store: FakeWarehouse, table: str) -> list[tuple[Any, Any]]:
    """Pairs of (what must be, what is)."""
    must, is_ = clean.tables[table], store.tables[table]
    return [(must.get(key), is_.get(key)) for key in sorted(must.keys() | is_.keys()) if must.get(key) != is_.get(key)]


class _Quiet:
    """No log lines: there would be thousands."""

    def info(self, *_: Any, **__: Any) -> None: ...

    warning = error = info


@contextmanager
def surroundings() -> Iterator[None]:
    """What the model check changes in the real code: pauses, log lines, and where Faust's adapter asks the broker."""

    async def offsets(settings: WorkerSettings, partitions: Sequence[int]) -> Any:
        return await settings.offsets(partitions)

    with ExitStack() as stack:
        for module in (pipeline, gaps, availability, faust_app):
            stack.enter_context(patch.object(module, "logger", _Quiet()))
        for name in ("RETRY_FIRST_S", "RETRY_MAX_S"):
            stack.enter_context(patch.object(availability, name, 0.0))
        stack.enter_context(patch.object(faust_app, "_offsets", offsets))
        yield
