"""When a session's amounts happened: what each fact adds to its totals, or takes from them, belongs to the fact's time.

So over all buckets every amount adds up to its total, whatever arrives late, twice, or corrected. A fact that changes
no total moves nothing. The buckets are a function of the log's order, like all of the state.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from processors.fold.state import Amounts, PricedAt, SessionState, Tokens, ToolAmounts, Work, wrapped
from schemas.store.rows import QUARTER_S

BUCKET_MS = QUARTER_S * 1_000  # short, since some time zones differ from UTC by 45 minutes
BUCKET_LAST = 0xFFFFFFFF // QUARTER_S  # of the store's DateTime
BUCKETS_MAX = 1_000  # no real session has as many; beyond it, an amount goes to the nearest bucket
# Sums of tokens by bucket, model and price. Beyond it, all differences go to one bucket, where old sums cancel out.
SUMS_OF_BUCKETS_MAX = 10_000
PRICED = 0  # no time: the client gave the cost
_NOTHING, _NO_TOOL = Tokens(), ToolAmounts()


def happened(state: SessionState, at: int) -> Amounts:
    """Return the bucket of a time (ms), to be changed."""
    amounts = state.amounts.get(at // BUCKET_MS)
    if amounts is not None and amounts.version == state.version:  # most events
        return amounts
    return _changed(state, _bucket(at))


def _bucket(at: int) -> int:
    """Return the number of a time's bucket; a time that the store can't hold is in the first or last one."""
    return min(max(at // BUCKET_MS, 0), BUCKET_LAST)


def add_tool(state: SessionState, at: int, name: str, calls: int, errors: int = 0, duration_ms: int = 0) -> None:
    """Add to the totals of a tool."""
    tools = happened(state, at).tools
    tool = tools.get(name)
    if tool is None:
        tool = tools[name] = ToolAmounts()
    tool.calls += calls
    tool.errors += errors
    if duration_ms:
        tool.duration_ms = wrapped(tool.duration_ms + duration_ms)
    if not tool.calls and tool == _NO_TOOL:
        del tools[name]


def move_work(state: SessionState, at: int, before: Sequence[int], after: Sequence[int]) -> None:
    """Move the totals of work; they are in the order of the fields of `Work`."""
    if before != after:
        done = happened(state, at).work
        for name, old, new in zip(Work.__struct_fields__, before, after, strict=True):
            setattr(done, name, wrapped(getattr(done, name) + new - old))


def move_usage(
    state: SessionState, at: int, before: Iterable[tuple[PricedAt, Tokens]], after: Iterable[tuple[PricedAt, Tokens]]
) -> None:
    """Move the totals of tokens and costs, by model and price."""
    moved: dict[PricedAt, Tokens] = {}
    for sign, sums in ((-1, before), (1, after)):
        for key, tokens in sums:
            moved.setdefault(key, Tokens()).add(tokens, sign)
    moved = {key: tokens for key, tokens in moved.items() if tokens != _NOTHING}
    if not moved:
        return
    if state.sums > SUMS_OF_BUCKETS_MAX and state.crowded_at is None:
        state.crowded_at = _bucket(at)
    bucket = _bucket(at) if state.crowded_at is None else state.crowded_at
    used = _changed(state, bucket).used
    state.sums -= len(used)
    for key, tokens in moved.items():
        total = used.setdefault(key, Tokens())
        total.add(tokens)
        if total == _NOTHING:
            del used[key]
    state.sums += len(used)
    # Costs are rounded as sums over time: later buckets may cost a nano-dollar more or less.
    again(state, bucket)


def again(state: SessionState, after: int = -1) -> None:
    """Note that the rows of the buckets after this one have to be made again."""
    for bucket in state.buckets[bisect_left(state.buckets, after + 1) :]:
        _changed(state, bucket)


def is_crowded(state: SessionState) -> bool:
    """Return whether further amounts may go to another bucket than that of their time."""
    return len(state.buckets) >= BUCKETS_MAX or state.crowded_at is not None


def _changed(state: SessionState, bucket: int) -> Amounts:
    amounts = state.amounts.get(bucket)
    if amounts is None:
        bucket = _place(state, bucket)
        amounts = state.amounts.setdefault(bucket, Amounts())
    if amounts.version != state.version:
        amounts.version = state.version
        state.moved[bucket] = None
    return amounts


def _place(state: SessionState, bucket: int) -> int:
    """Return a new bucket or, of too many, the nearest one."""
    buckets = state.buckets
    place = bisect_left(buckets, bucket)
    if len(buckets) < BUCKETS_MAX:
        buckets.insert(place, bucket)
        return bucket
    return min(buckets[max(0, place - 1) : place + 1], key=lambda known: abs(known - bucket))
