"""Content encodings: the right bytes or a clear refusal, for work that is linear in what goes in and comes out."""

import gzip
import time
from collections.abc import Callable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.body import ENCODINGS, Corrupt, TooLarge

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
    """Wherever the boundaries of members and of what is fed at once fall."""
    parts = data.draw(members)
    sent = b"".join(map(COMPRESS[encoding], parts))

    assert ENCODINGS[encoding](sent, BODY) == b"".join(parts)


@pytest.mark.parametrize("encoding", COMPRESS)
@given(data=st.data())
def test_what_is_cut_off_or_goes_on_is_refused(encoding: str, data: st.DataObject) -> None:
    """At any byte, with anything that is no member behind it."""
    sent = b"".join(map(COMPRESS[encoding], data.draw(members)))
    place = data.draw(st.integers(1, len(COMPRESS[encoding](b"")) - 1))

    for wrong in (sent[:-place], sent + b"more", b""):
        with pytest.raises(Corrupt):
            ENCODINGS[encoding](wrong, BODY)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_may_have_exactly_what_is_allowed(encoding: str) -> None:
    """In one member or in several; a byte more is too large."""
    compress, inflate = COMPRESS[encoding], ENCODINGS[encoding]
    whole, halves = compress(b" " * 1_000), compress(b" " * 500) * 2

    assert inflate(whole, 1_000) == inflate(halves, 1_000) == b" " * 1_000
    for sent in (whole, halves):
        with pytest.raises(TooLarge):
            inflate(sent, 999)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("content", [b"", b" "], ids=["empty", "of one byte"])
def test_ten_megabytes_of_members_take_linear_work(encoding: str, content: bytes) -> None:
    """Less than a second of the processor; it was 80 s, four times as much for twice as many."""
    member = COMPRESS[encoding](content)
    sent = member * (BODY // len(member))

    began = time.process_time()
    ENCODINGS[encoding](sent, BODY)

    assert time.process_time() - began < 1.0
