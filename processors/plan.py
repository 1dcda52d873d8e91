"""Folds a batch into a plan: everything the four writes send, encoded once, so that a retry sends the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from prices.price_list import PriceList
from processors.dead_letter_limit import WINDOW, DeadLetterLimit
from processors.derivations.session_facts import DerivationRequest
from processors.fold.amounts import BUCKET_MS, is_crowded
from processors.fold.fold import begin, fold
from processors.fold.parsed import parsed_of
from processors.fold.state import SessionState, thaw
from processors.pricing import PriceWarnings, Pricing
from processors.projections.amounts import amounts_rows
from processors.projections.records import dead, dead_letter, erased, facts_of, projected, share_words
from processors.projections.sessions import has_moved, moved_start, session_row, task_row
from processors.projections.states import is_kept, state_row
from processors.rowbinary import encode_rows, encode_task, event_parts, event_prefix, session_prefix
from processors.state_cache import StateCache
from processors.warehouse import Bucket, ErasedPosition, SessionKey, Warehouse
from schemas.log.codec import Undecodable, UndecodableKind, decode, erasure_in, is_erasure
from schemas.log.position import LogRecord
from schemas.log.records import (
    NO_ID,
    AnyErasure,
    CompactionRequested,
    Erased,
    ModelUsage,
    PricesLoaded,
    SessionEnded,
    SessionRecord,
)
from schemas.store.rows import QUARTER_S, AmountsRow, DeadLetterRow, FactRow, ReceiptRow, SessionRow, TaskRow

PIECE_BYTES_MAX = 64 << 20
# A runner bounds a batch by about as many bytes; a little more than `PIECE_BYTES_MAX` would become two pieces.
BATCH_BYTES_MAX = PIECE_BYTES_MAX - (4 << 20)


class Plan(Struct):
    """What one batch adds to each table, as RowBinary. Nothing in it refers to the cache."""

    facts: list[bytes]  # one chunk per record, in the order of the table's key, which saves the store a sort
    dead_letters: bytes
    sessions: bytes
    amounts: bytes
    tasks: bytes
    states: bytes  # of long sessions
    derivations: list[DerivationRequest]  # digests and analyses
    buckets: list[Bucket]  # quarters of an hour whose rollups are behind
    receipts: bytes
    pinned: list[SessionKey]
    first_offsets: dict[int, int]  # per partition
    next_offsets: dict[int, int]  # per partition: everything below it is in this plan or before it
    fact_count: int
    dead: Mapping[UndecodableKind, int]  # records that can't be projected, by kind of reason
    disagreeing: Mapping[str, int]  # requests whose cost differs from the price list, by the price's model
    crowded: int  # sessions in which amounts may go to another bucket than that of their time


class Settled(Struct):
    """What is derived from sessions that go on without some of their records, as RowBinary."""

    sessions: bytes
    amounts: bytes
    tasks: bytes
    derivations: list[DerivationRequest]
    buckets: list[Bucket]


Changed = tuple[SessionState, int]  # a state to which facts were added, and the number of its facts before
LOADED_AT_ONCE = 100  # sessions


class _Batch(NamedTuple):
    """The records of a batch, by what is to be done with them; ``kinds`` counts why letters can't be projected."""

    of_sessions: list[tuple[LogRecord, SessionRecord]]
    without_facts: list[tuple[LogRecord, PricesLoaded | AnyErasure]]
    erased: list[tuple[LogRecord, Erased | SessionRecord]]
    letters: list[DeadLetterRow]
    kinds: Counter[UndecodableKind]

    def received_until(self) -> int:
        """Return when the last of them was received (ms)."""
        return max((record.received_at for _, record in (*self.of_sessions, *self.without_facts)), default=0)


class Planner:
    """Folds batches into plans. One thread at a time."""

    def __init__(
        self, warehouse: Warehouse, cache: StateCache, pricing: Pricing, partitions: int, limit: DeadLetterLimit
    ) -> None:
        self._warehouse, self._cache, self._pricing, self.partitions = warehouse, cache, pricing, partitions
        self._limit = limit
        self._price_warnings = PriceWarnings()
        self._kept: set[SessionKey] = set()  # the store may have states of these
        self._erased: dict[int, set[SessionKey]] = {}  # by partition; with `NO_ID`, a whole org
        self._positions: dict[int, dict[int, ErasedPosition]] = {}  # by partition and offset
        # The least versions of what is derived from sessions that go on without some records, and the derivations that
        # wait until all of what is left of such a session is folded again.
        self._floors: dict[int, dict[SessionKey, int]] = {}
        self._waiting: dict[tuple[SessionKey, UUID | None], DerivationRequest] = {}

    def load_partition(self, partition: int) -> None:
        """Start on a partition: what is erased stays so, its kept states are used, its last outcomes count."""
        self.load_erased(partition)
        self._kept.update(self._warehouse.kept_sessions(partition))
        self._limit.remember(self._warehouse.recent_outcomes(partition, WINDOW // self.partitions))

    def load_erased(self, partition: int) -> None:
        """Read what is erased in a partition."""
        self._erased[partition] = set(self._warehouse.erased(partition))
        positions = self._warehouse.erased_positions(partition)
        self._positions[partition] = {one.offset: one for one in positions}
        floors = self._floors[partition] = {}
        for one in positions:
            if self._is_session_erased(partition, one.session):
                continue
            floors[one.session] = max(one.by + 1, floors.get(one.session, 0))

    def floors(self, partition: int, sessions: Iterable[SessionKey], below: int) -> dict[SessionKey, int]:
        """Return the least versions of the rows of these sessions, if a record below ``below`` erased any of them."""
        found = self._floors.get(partition, {})
        return {session: found[session] for session in sessions if 0 < found.get(session, 0) <= below}

    def sessions_at(self, records: Sequence[LogRecord]) -> list[SessionKey]:
        """Return the sessions of which an erasure of positions among these records erases any."""
        places = {record[:2] for record in records if is_erasure(record, self.partitions)}
        found = {
            one.session
            for partition, by in places
            for one in self._positions.get(partition, {}).values()
            if one.by == by
        }
        return sorted(found)

    def erasure_in(self, records: Sequence[LogRecord]) -> AnyErasure | None:
        """Return the erasure of a piece that is one."""
        return erasure_in(records[0], self.partitions)

    def plan(self, records: Sequence[LogRecord]) -> Plan:
        """Fold ``records``: per partition a run of consecutive offsets that begins where the last plan ended.

        Raises `Broken` if nearly everything is rejected, see `processors.dead_letter_limit`. If prices or states can't
        be read, it raises `StoreUnavailable` before it folds a record, so the call may be repeated.
        """
        self._cache.evict()
        batch = self._decode(records)
        prices = self._pricing.complete_until(batch.received_until())
        partition_of = {(record.org_id, record.session_id): at.partition for at, record in batch.of_sessions}
        keys = list(partition_of)
        first = first_offsets(records)
        self._load(partition_of, first)
        starts = self._former_starts(partition_of)
        encoded: dict[SessionKey, list[bytes]] = {}
        receipts = [dead(letter) for letter in batch.letters]
        receipts += [erased(*pair) for pair in batch.erased]
        receipts += [projected(*pair, facts=0, added=0) for pair in batch.without_facts]
        changed: dict[SessionKey, Changed] = {}
        derivations: dict[tuple[SessionKey, UUID | None], DerivationRequest] = {}
        disagreeing: Counter[str] = Counter()
        for log_record, record in batch.of_sessions:
            receipts.append(self._fold(log_record, record, encoded, changed, partial(_disagree, prices, disagreeing)))
            if receipts[-1].added and isinstance(record, CompactionRequested | SessionEnded):
                # every requested digest, and the analysis as of a session's latest end in this batch
                digest_id = record.fact_id if isinstance(record, CompactionRequested) else None
                session = record.org_id, record.session_id
                place = log_record.partition, log_record.offset
                state, _ = changed[session]
                waits = log_record.offset < self._floor(state)
                of_row = self._waiting if waits else derivations
                of_row[session, digest_id] = DerivationRequest(*place, record, len(state.seen))
        self._price_warnings.note(disagreeing)
        self._cache.pin(keys)
        reason = batch.letters[0].reason if batch.letters else ""
        self._limit.check((receipt.outcome == "dead" for receipt in receipts), reason)
        made = [one for one in changed.values() if not self._is_unsettled(one[0])]
        derived = _derived((state for state, _ in made), prices)
        return Plan(
            facts=[chunk for session in sorted(encoded, key=_key_order) for chunk in encoded[session]],
            dead_letters=encode_rows(batch.letters),
            sessions=derived.sessions + encode_rows(self._moved(starts)),
            amounts=derived.amounts,
            tasks=derived.tasks,
            states=self._keep(made),
            derivations=list(derivations.values()),
            buckets=derived.buckets,
            receipts=encode_rows(receipts),
            pinned=keys,
            first_offsets=first,
            next_offsets={log_record.partition: log_record.offset + 1 for log_record in records},
            fact_count=sum(receipt.facts for receipt in receipts),
            dead=batch.kinds,
            disagreeing=disagreeing,
            crowded=sum(is_crowded(state) for state, _ in changed.values()),
        )

    def settle(self, partition: int, floors: Mapping[SessionKey, int], below: int) -> Settled:
        """Make all rows of sessions that were folded again, with versions that replace what was there before.

        Their facts below ``below`` must be written. May be repeated after `StoreUnavailable`.
        """
        self._cache.evict()
        prices = self._pricing.complete_until(0)
        starts = [
            (session, quarter, floor)
            for floor in {*floors.values()}
            for session, quarter in self._warehouse.starts(_of(floors, floor), floor - 1)
        ]
        self._load(dict.fromkeys(floors, partition), {partition: below})
        states = [state for session in floors if (state := self._cache.get(session)) is not None]
        for state in states:
            state.change_all()
        derived = _derived(states, prices, floors)
        waiting = {key: one._replace(floor=floors[key[0]]) for key, one in self._waiting.items() if key[0] in floors}
        self._waiting = {key: one for key, one in self._waiting.items() if key not in waiting}
        of_rows = derived.sessions + encode_rows(self._moved(starts)), derived.amounts, derived.tasks
        return Settled(*of_rows, list(waiting.values()), derived.buckets)

    def _former_starts(self, partition_of: Mapping[SessionKey, int]) -> list[tuple[SessionKey, int, int]]:
        """Return where sessions of which nothing is left started, which begin again now, and their least versions."""
        floors = {
            session: floor
            for session, partition in partition_of.items()
            if (floor := self._floors.get(partition, {}).get(session)) and self._cache.get(session) is None
        }
        return [
            (session, quarter, floor)
            for floor in {*floors.values()}
            for session, quarter in self._warehouse.starts(_of(floors, floor), floor)
        ]

    def _moved(self, starts: Iterable[tuple[SessionKey, int, int]]) -> list[SessionRow]:
        found = ((self._cache.get(session), quarter, floor) for session, quarter, floor in starts)
        return [
            moved_start(state, quarter, floor)
            for state, quarter, floor in found
            if state is not None and has_moved(state, quarter)
        ]

    def _floor(self, state: SessionState) -> int:
        return self._floors.get(state.log_partition, {}).get((state.org_id, state.session_id), 0)

    def _is_unsettled(self, state: SessionState) -> bool:
        """Return whether a state is before an erasure of its records, so that only `settle` makes its rows."""
        if state.version >= self._floor(state):
            return False
        state.take_changed()
        return True

    def _decode(self, records: Sequence[LogRecord]) -> _Batch:
        batch = _Batch([], [], [], [], Counter())
        for log_record in records:
            try:
                record = decode(log_record, self.partitions)
            except Undecodable as reason:
                batch.letters.append(dead_letter(log_record, str(reason)))
                batch.kinds[reason.kind] += 1
                continue
            if isinstance(record, PricesLoaded | AnyErasure):
                batch.without_facts.append((log_record, record))
            elif (
                isinstance(record, Erased)
                or self._is_erased(log_record.partition, record)
                or log_record.offset in self._positions.get(log_record.partition, ())
            ):
                batch.erased.append((log_record, record))
            else:
                batch.of_sessions.append((log_record, record))
        return batch

    def _is_erased(self, partition: int, record: SessionRecord) -> bool:
        return self._is_session_erased(partition, (record.org_id, record.session_id))

    def _is_session_erased(self, partition: int, session: SessionKey) -> bool:
        erased = self._erased.get(partition)
        return bool(erased and {session, (session[0], NO_ID)} & erased)

    def _load(self, partition_of: Mapping[SessionKey, int], first: Mapping[int, int]) -> None:
        """Load the sessions that are not in the cache: fold the facts below their partition's first offset."""
        missing: dict[int, list[SessionKey]] = {}
        for key, partition in partition_of.items():
            if self._cache.get(key) is None:
                missing.setdefault(partition, []).append(key)
        for partition, some in missing.items():
            below = first[partition]
            whole = [key for key in some if not (key in self._kept and self._load_kept(partition, key, below))]
            for i in range(0, len(whole), LOADED_AT_ONCE):
                self._load_some(whole[i : i + LOADED_AT_ONCE], below)

    def _load_kept(self, partition: int, key: SessionKey, below: int) -> bool:
        """Load a session from its kept state and the facts after it; return whether there is such a state."""
        frozen = self._warehouse.kept_state(partition, key, below)
        if frozen is None:
            return False
        state = thaw(frozen)
        for row in self._warehouse.facts([key], below, state.version):
            fold(state, row)
        state.take_changed()
        self._cache.put(key, state)
        return True

    def _load_some(self, keys: Sequence[SessionKey], below: int) -> None:
        """Load a few sessions: their histories may be long."""
        for row in self._warehouse.facts(keys, below):
            fold(self._state(row), row)
        for key in keys:
            if (state := self._cache.get(key)) is not None:
                state.take_changed()

    def _fold(
        self,
        log_record: LogRecord,
        record: SessionRecord,
        encoded: dict[SessionKey, list[bytes]],
        changed: dict[SessionKey, Changed],
        check_cost: Callable[[FactRow], None],
    ) -> ReceiptRow:
        facts = facts_of(log_record, record)
        rows = facts.rows
        state = self._state(rows[0])
        facts_before = len(state.seen)
        added = 0
        for row in rows:
            if fold(state, row):
                added += 1
                if row.event_type == "ApiRequest":
                    check_cost(row)
            else:
                row.is_deleted, row.data = 1, b""
        share_words(facts)
        prefix, parts = event_prefix(rows[0]), list[bytes]()
        for row in rows:
            parts += event_parts(prefix, row)
        session = record.org_id, record.session_id
        encoded.setdefault(session, []).append(b"".join(parts))
        if added:
            changed.setdefault(session, (state, facts_before))
        return projected(log_record, record, len(rows), added)

    def _keep(self, changed: Iterable[Changed]) -> bytes:
        due = [state for state, facts_before in changed if is_kept(facts_before, len(state.seen))]
        self._kept.update((state.org_id, state.session_id) for state in due)
        return encode_rows(map(state_row, due))

    def _state(self, row: FactRow) -> SessionState:
        key = (row.org_id, row.session_id)
        state = self._cache.get(key)
        if state is None:
            state = begin(row)
            self._cache.put(key, state)
        return state


def _key_order(session: SessionKey) -> tuple[str, int, int]:
    """Return what sorts sessions as the store does: it compares the second half of a UUID first."""
    org_id, session_id = session
    return org_id, session_id.int & (1 << 64) - 1, session_id.int >> 64


def _disagree(prices: PriceList, found: Counter[str], row: FactRow) -> None:
    """Note a request if the cost that the client gives differs from the price list."""
    usage = parsed_of(row.parsed).usage
    at_ms = min(row.timestamp, row.received_at)
    if usage is None or usage.cost_nano is None or (price := prices.price_of(row.model, at_ms)) is None:
        return
    spent = ModelUsage(row.model, *usage[1:-1])
    if prices.disagrees(row.model, spent, usage.cost_nano, at_ms):
        found[price.model] += 1


class _Derived(NamedTuple):
    """What is derived from changed sessions, as RowBinary, and the buckets of the rollups that hold any of it."""

    sessions: bytes
    amounts: bytes
    tasks: bytes
    buckets: list[Bucket]


def _of(floors: Mapping[SessionKey, int], floor: int) -> list[SessionKey]:
    return [session for session, one in floors.items() if one == floor]


def _derived(
    states: Iterable[SessionState], prices: PriceList, floors: Mapping[SessionKey, int] = MappingProxyType({})
) -> _Derived:
    """Make the rows of sessions, and those of their amounts and tasks that changed since they were last made.

    ``floors`` are the least versions of these rows.
    """
    sessions: list[SessionRow] = []
    amounts: list[AmountsRow] = []
    tasks: list[bytes] = []
    buckets: set[Bucket] = set()
    for state in states:
        row = session_row(state, prices)
        touched, moved = state.take_changed()
        sessions.append(row)
        of_buckets = [*amounts_rows(state, prices, row.repo, moved)]
        of_tasks = [task_row(state, task) for task in touched]
        if floor := floors.get((state.org_id, state.session_id)):
            rows: tuple[SessionRow | AmountsRow | TaskRow, ...] = row, *of_buckets, *of_tasks
            for one in rows:
                one.version = max(one.version, floor)
        amounts += of_buckets
        prefix = session_prefix(state.org_id, state.session_id)
        tasks += [encode_task(prefix, one) for one in of_tasks]
        buckets.update((state.org_id, bucket * QUARTER_S) for bucket in (state.started_at // BUCKET_MS, *moved))
    return _Derived(encode_rows(sessions), encode_rows(amounts), b"".join(tasks), sorted(buckets))


def first_offsets(records: Iterable[LogRecord]) -> dict[int, int]:
    """Return the first offset of each partition."""
    first: dict[int, int] = {}
    for log_record in records:
        first.setdefault(log_record.partition, log_record.offset)
    return first


def pieces(records: Sequence[LogRecord], partitions: int) -> Iterator[Sequence[LogRecord]]:
    """Cut a batch before every jump, so that in each piece a partition is one run of consecutive offsets.

    A batch is also cut before and after each erasure, and before a piece holds more bytes than `PIECE_BYTES_MAX`, which
    bounds a plan's memory.
    """
    expected: dict[int, int] = {}
    start, size, is_alone = 0, 0, False
    for i, record in enumerate(records):
        size += len(record.value or b"")
        was_alone, is_alone = is_alone, is_erasure(record, partitions)
        jumps = expected.get(record.partition, record.offset) != record.offset
        if i > start and (jumps or is_alone or was_alone or size > PIECE_BYTES_MAX):
            yield records[start:i]
            start, size, expected = i, len(record.value or b""), {}
        expected[record.partition] = record.offset + 1
    if start < len(records):
        yield records[start:]
