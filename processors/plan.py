"""Folds a batch into a plan: everything the four writes send, encoded once, so that a retry sends the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
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
from processors.projections.sessions import session_row, task_row
from processors.projections.states import is_kept, state_row
from processors.rowbinary import encode_rows, encode_task, event_parts, event_prefix, session_prefix
from processors.state_cache import StateCache
from processors.warehouse import Bucket, SessionKey, Warehouse
from schemas.log.codec import Undecodable, UndecodableKind, decode, erasure_in, is_erasure
from schemas.log.position import LogRecord
from schemas.log.records import (
    NO_ID,
    CompactionRequested,
    Erased,
    ModelUsage,
    PricesLoaded,
    RecordsErased,
    SessionEnded,
    SessionRecord,
)
from schemas.store.rows import QUARTER_S, AmountsRow, DeadLetterRow, FactRow, ReceiptRow, SessionRow

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


Changed = tuple[SessionState, int]  # a state to which facts were added, and the number of its facts before
LOADED_AT_ONCE = 100  # sessions


class _Batch(NamedTuple):
    """The records of a batch, by what is to be done with them; ``kinds`` counts why letters can't be projected."""

    of_sessions: list[tuple[LogRecord, SessionRecord]]
    without_facts: list[tuple[LogRecord, PricesLoaded | RecordsErased]]
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

    def load_partition(self, partition: int) -> None:
        """Start on a partition: what is erased stays so, its kept states are used, its last outcomes count."""
        self.load_erased(partition)
        self._kept.update(self._warehouse.kept_sessions(partition))
        self._limit.remember(self._warehouse.recent_outcomes(partition, WINDOW // self.partitions))

    def load_erased(self, partition: int) -> None:
        """Read what is erased in a partition."""
        self._erased[partition] = set(self._warehouse.erased(partition))

    def erasure_in(self, records: Sequence[LogRecord]) -> RecordsErased | None:
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
                derivations[session, digest_id] = DerivationRequest(*place, record, len(state.seen))
        self._price_warnings.note(disagreeing)
        self._cache.pin(keys)
        reason = batch.letters[0].reason if batch.letters else ""
        self._limit.check((receipt.outcome == "dead" for receipt in receipts), reason)
        derived = _derived((state for state, _ in changed.values()), prices)
        return Plan(
            facts=[chunk for session in sorted(encoded, key=_key_order) for chunk in encoded[session]],
            dead_letters=encode_rows(batch.letters),
            sessions=derived.sessions,
            amounts=derived.amounts,
            tasks=derived.tasks,
            states=self._keep(changed.values()),
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

    def _decode(self, records: Sequence[LogRecord]) -> _Batch:
        batch = _Batch([], [], [], [], Counter())
        for log_record in records:
            try:
                record = decode(log_record, self.partitions)
            except Undecodable as reason:
                batch.letters.append(dead_letter(log_record, str(reason)))
                batch.kinds[reason.kind] += 1
                continue
            if isinstance(record, PricesLoaded | RecordsErased):
                batch.without_facts.append((log_record, record))
            elif isinstance(record, Erased) or self._is_erased(log_record.partition, record):
                batch.erased.append((log_record, record))
            else:
                batch.of_sessions.append((log_record, record))
        return batch

    def _is_erased(self, partition: int, record: SessionRecord) -> bool:
        erased = self._erased.get(partition)
        return bool(erased and {(record.org_id, record.session_id), (record.org_id, NO_ID)} & erased)

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


def _derived(states: Iterable[SessionState], prices: PriceList) -> _Derived:
    """Make the rows of sessions, and those of their amounts and tasks that changed since they were last made."""
    sessions: list[SessionRow] = []
    amounts: list[AmountsRow] = []
    tasks: list[bytes] = []
    buckets: set[Bucket] = set()
    for state in states:
        row = session_row(state, prices)
        touched, moved = state.take_changed()
        sessions.append(row)
        amounts += amounts_rows(state, prices, row.repo, moved)
        prefix = session_prefix(state.org_id, state.session_id)
        tasks += [encode_task(prefix, task_row(state, task)) for task in touched]
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
