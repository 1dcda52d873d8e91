"""Content encodings: the decoded bytes or a clear refusal, with work linear in input and output."""

import gzip
import zlib
from collections.abc import Callable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.body import ENCODINGS, Corrupt, TooLarge
from tests.support.processor_time import least_processor_s

MIB = 1_048_576
BODY = 10 * MIB


def gzip_of(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def zstd_of(data: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data))


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip_of, "zstd": zstd_of}
members = st.lists(st.binary(max_size=9_000), min_size=1, max_size=5)


@pytest.mark.parametrize("encoding", COMPRESS)
@given(data=st.data())
def test_the_members_of_a_body_read_as_one(encoding: str, data: st.DataObject) -> None:
    """The boundaries of members and of chunks may be anywhere."""
    parts = data.draw(members)
    sent = b"".join(map(COMPRESS[encoding], parts))

    assert ENCODINGS[encoding](sent, BODY) == b"".join(parts)


@pytest.mark.parametrize("encoding", COMPRESS)
@given(data=st.data())
def test_what_is_cut_off_or_goes_on_is_refused(encoding: str, data: st.DataObject) -> None:
    """A body that is cut at any byte, or followed by other bytes, is refused."""
    sent = b"".join(map(COMPRESS[encoding], data.draw(members)))
    place = data.draw(st.integers(1, len(COMPRESS[encoding](b"")) - 1))

    for wrong in (sent[:-place], sent + b"more", b""):
        with pytest.raises(Corrupt):
            ENCODINGS[encoding](wrong, BODY)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_may_have_exactly_what_is_allowed(encoding: str) -> None:
    """One member or several may have exactly the limit; one more byte is too large."""
    compress, inflate = COMPRESS[encoding], ENCODINGS[encoding]
    whole, halves = compress(b" " * 1_000), compress(b" " * 500) * 2

    assert inflate(whole, 1_000) == inflate(halves, 1_000) == b" " * 1_000
    for sent in (whole, halves):
        with pytest.raises(TooLarge):
            inflate(sent, 999)


class CountingZlib:
    """The part of `zlib` that inflation uses; ``handled`` counts the bytes given to it and returned by it."""

    error = zlib.error

    def __init__(self) -> None:
        self.handled = 0

    def decompressobj(self, window_bits: int) -> "CountingMember":
        return CountingMember(self, window_bits)


class CountingMember:
    """One member; zlib copies the bytes after it into ``unused_data``."""

    def __init__(self, counter: CountingZlib, window_bits: int) -> None:
        self._counter, self._member = counter, zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, fed: memoryview, bytes_max: int) -> bytes:
        inflated = self._member.decompress(fed, bytes_max)
        self._counter.handled += len(fed) + len(self._member.unused_data)
        return inflated


@pytest.mark.parametrize("content", [b"", b" "], ids=["empty", "of one byte"])
def test_each_gzip_member_takes_bounded_work(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """However many members follow, zlib handles a few kilobytes for each; with whole bodies it was quadratic."""
    counter = CountingZlib()
    monkeypatch.setattr("ingest.body.zlib", counter)
    members = 10_000

    assert ENCODINGS["gzip"](gzip_of(content) * members, BODY) == content * members
    assert counter.handled < 10_000 * members


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b" "], ids=["empty", "of one byte"])
def test_the_work_of_zstd_frames_is_linear(content: bytes) -> None:
    """Four times the frames take about four times the processor time; only time shows the library's work."""

    def cost(size: int) -> float:
        frame = zstd_of(content)
        sent = frame * (size // len(frame))
        return least_processor_s(lambda: ENCODINGS["zstd"](sent, BODY))

    small, large = cost(BODY // 4), cost(BODY)

    assert large < 8 * small + 0.05
