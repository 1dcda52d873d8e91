"""Content encodings: the decoded bytes or a clear refusal, with work linear in input and output."""

import gzip
import time
from collections.abc import Callable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.inflation import ENCODINGS, Corrupt, TooLarge

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
    """A body cut at any byte, or followed by bytes that are no member, is refused."""
    sent = b"".join(map(COMPRESS[encoding], data.draw(members)))
    place = data.draw(st.integers(1, len(COMPRESS[encoding](b"")) - 1))

    for wrong in (sent[:-place], sent + b"more", b""):
        with pytest.raises(Corrupt):
            ENCODINGS[encoding](wrong, BODY)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_may_have_exactly_what_is_allowed(encoding: str) -> None:
    """One member or several may have exactly the limit; one byte more is too large."""
    compress, inflate = COMPRESS[encoding], ENCODINGS[encoding]
    whole, halves = compress(b" " * 1_000), compress(b" " * 500) * 2

    assert inflate(whole, 1_000) == inflate(halves, 1_000) == b" " * 1_000
    for sent in (whole, halves):
        with pytest.raises(TooLarge):
            inflate(sent, 999)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("content", [b"", b" "], ids=["empty", "of one byte"])
def test_ten_megabytes_of_members_take_linear_work(encoding: str, content: bytes) -> None:
    """They take less than a second of processor time; it was 80 s, and quadratic."""
    member = COMPRESS[encoding](content)
    sent = member * (BODY // len(member))

    began = time.process_time()
    ENCODINGS[encoding](sent, BODY)

    assert time.process_time() - began < 1.0
