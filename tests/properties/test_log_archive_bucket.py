"""An export in an object store: interruptions, and processes that export at the same time, leave it sound."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress

import obstore
import pytest
from backports.zstd import decompress
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UnsetType
from obstore.store import MemoryStore

from ingest.log.archive.bucket import Bucket
from ingest.log.archive.erasures import ERASURES
from ingest.log.archive.export import export_log
from ingest.log.archive.manifest import MANIFEST, Source, read_manifest
from ingest.log.archive.place import Place, Stored
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import SUFFIX, checked_records
from ingest.log.archive.verify import verify_export
from schemas.log.codec import is_stub
from schemas.log.position import LogRecord
from tests.properties.test_log_archive import NOW, ON_DISK, OURS, SMALL, FakeArchivedLog, Interrupted, Silent
from tests.properties.test_log_archive_erasures import Step, erased_needles, grow, steps, swept
from tests.support.examples import examples

SOME = settings(ON_DISK, max_examples=examples(100))
CALLS = st.integers(0, 30)
LONG, SHORT = st.lists(steps, max_size=16), st.lists(steps, max_size=9)


class Watched:
    """A place that calls ``hook`` before or after each request, as a process that is suspended or ends there."""

    def __init__(self, place: Place, hook: Callable[[], None], *, after: bool) -> None:
        self._place, self._hook, self._after = place, hook, after
        self.name = place.name

    def read(self, name: str) -> Stored:
        with self._watched():
            return self._place.read(name)

    def sizes(self) -> Mapping[str, int]:
        with self._watched():
            return self._place.sizes()

    def write(self, name: str, content: bytes) -> None:
        with self._watched():
            self._place.write(name, content)

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        with self._watched():
            return self._place.swap(name, content, version)

    def remove(self, name: str) -> None:
        with self._watched():
            self._place.remove(name)

    def locked(self) -> AbstractContextManager[str | UnsetType]:
        return self._place.locked()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if not self._after:
            self._hook()
        yield
        if self._after:
            self._hook()


def at_call(number: int, act: Callable[[], None]) -> Callable[[], None]:
    """Return a hook that acts at one of its calls."""
    left = number

    def hook() -> None:
        nonlocal left
        left -= 1
        if left == -1:
            act()

    return hook


def end() -> None:
    raise Interrupted


def exported(log: FakeArchivedLog, into: Place) -> None:
    source = Source("topic", len(log.partitions), OURS)
    asyncio.run(export_log(log, source, into, Silent(), lambda: NOW, SMALL))


def in_thread(log: FakeArchivedLog, into: Place) -> None:
    """Export while another export of this process is in the middle."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(exported, log, into).result()


def objects(store: MemoryStore) -> dict[str, bytes]:
    """Return the content of every object, decompressed."""
    names = [one["path"] for chunk in obstore.list(store) for one in chunk]
    found = {name: obstore.get(store, name).bytes().to_bytes() for name in names}
    return {name: decompress(content) if name.endswith(SUFFIX) else content for name, content in found.items()}


def held_by(place: Place) -> list[list[LogRecord]]:
    manifest = read_manifest(place)
    found: list[list[LogRecord]] = [[] for _ in range(manifest.partitions)]
    for _, partition, segment in manifest.files():
        found[partition] += checked_records(place, partition, segment)
    return found


def without_stubs(partitions: list[list[LogRecord]]) -> list[list[LogRecord]]:
    """Return the records; of a stub, only where it is, since it may name an earlier or a later erasure."""
    return [[r._replace(value=b"stub") if is_stub(r) else r for r in records] for records in partitions]


def assert_is_export_of(log: FakeArchivedLog, store: MemoryStore) -> None:
    """Check every record, that no object is unnamed, and that no word of what is erased is left."""
    place = Bucket(store, "memory")
    named = {name for name, *_ in read_manifest(place).files()}

    assert verify_export(place, Silent()).findings == []
    assert without_stubs(held_by(place)) == without_stubs(swept(log).partitions)
    assert objects(store).keys() == named | {MANIFEST, ERASURES}
    content = b"".join(objects(store).values())
    assert not [word for word in erased_needles(log) if word in content]


@SOME
@given(
    st.integers(1, 3), st.lists(steps, max_size=16), st.lists(steps, max_size=9), st.lists(CALLS, max_size=4), st.data()
)
def test_an_interrupted_export_continues(
    partitions: int, before: list[Step], after: list[Step], ends: list[int], data: st.DataObject
) -> None:
    """The process may end before or after any request, several times; the export is sound each time."""
    store, log = MemoryStore(), FakeArchivedLog(partitions)
    place = Bucket(store, "memory")
    grow(log, before)
    exported(log, place)
    grow(log, after)
    for number in ends:
        with suppress(Interrupted):
            exported(log, Watched(place, at_call(number, end), after=data.draw(st.booleans())))
        assert verify_export(place, Silent()).findings == []
    exported(log, place)

    assert_is_export_of(log, store)


@SOME
@given(st.integers(1, 3), LONG, SHORT, SHORT, CALLS, CALLS, st.data())
def test_a_process_that_continues_after_another_one_damages_nothing(
    partitions: int,
    first: list[Step],
    second: list[Step],
    third: list[Step],
    suspended: int,
    killed: int,
    data: st.DataObject,
) -> None:
    """It is suspended at any request; meanwhile another process exports more, or ends at any request.

    Then the first one continues: it is refused, unless it had nothing more to do.
    """
    store, log = MemoryStore(), FakeArchivedLog(partitions)
    place = Bucket(store, "memory")
    grow(log, first)
    if data.draw(st.booleans()):
        exported(log, place)
    grow(log, second)
    earlier = FakeArchivedLog(partitions, [record for records in log.partitions for record in records])
    grow(log, third)
    ends = data.draw(st.booleans())

    def other() -> None:
        with suppress(Interrupted, Refused):
            in_thread(log, Watched(place, at_call(killed, end), after=False) if ends else place)

    with suppress(Refused):
        exported(earlier, Watched(place, at_call(suspended, other), after=data.draw(st.booleans())))

    assert verify_export(place, Silent()).findings == []
    exported(log, place)
    assert_is_export_of(log, store)


@pytest.mark.parametrize("suspended", range(18))
def test_two_processes_at_each_pair_of_requests(suspended: int) -> None:
    """The first one is suspended before this request, the other one ends before any of its requests, or exports all."""
    for killed in range(18):
        store, log = MemoryStore(), FakeArchivedLog(1)
        place = Bucket(store, "memory")
        grow(log, [("acme", 0), ("globex", 1), ("acme", 2)])
        exported(log, place)
        grow(log, [("globex", 3), ("acme", -2), ("acme", 1), ("acme", 2)])

        def other(log: FakeArchivedLog = log, place: Place = place, killed: int = killed) -> None:
            with suppress(Interrupted):
                in_thread(log, Watched(place, at_call(killed, end), after=False))

        with suppress(Refused):
            exported(log, Watched(place, at_call(suspended, other), after=False))

        assert verify_export(place, Silent()).findings == []
        exported(log, place)
        assert_is_export_of(log, store)


@pytest.mark.parametrize("suspended", [1, 2, 3, 7])
def test_of_two_processes_one_is_refused(suspended: int) -> None:
    """The one that began earlier, once the other one has begun."""
    store, log = MemoryStore(), FakeArchivedLog(1)
    place = Bucket(store, "memory")
    grow(log, [("acme", number % 4) for number in range(9)])
    other = at_call(suspended, lambda: in_thread(log, place))

    with pytest.raises(Refused, match=r"another process .* into memory"):
        exported(log, Watched(place, other, after=False))
    assert held_by(place) == log.partitions
    exported(log, place)

    assert_is_export_of(log, store)


@SOME
@given(st.lists(steps, min_size=1, max_size=16), st.data())
def test_a_damaged_object_is_found(some: list[Step], data: st.DataObject) -> None:
    """A flipped bit, and a missing object; an export does not continue over a missing segment."""
    store, log = MemoryStore(), FakeArchivedLog(2)
    place = Bucket(store, "memory")
    grow(log, [("acme", 0), *some])
    exported(log, place)
    name = data.draw(st.sampled_from(sorted(name for name, size in place.sizes().items() if size)))
    raw = bytearray(place.read(name).content)
    if data.draw(st.booleans()):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        place.write(name, bytes(raw))
    else:
        place.remove(name)
        with pytest.raises(Damaged, match=name):
            exported(log, place)

    assert [finding.file for finding in verify_export(place, Silent()).findings] == [name]
