"""Ids are self-authenticating: they verify only for the org that they were made for, and their bits name the thread."""

from hashlib import blake2b
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import (
    IdSecrets,
    UnknownId,
    derive,
    derived_event_digest,
    event_id_hasher,
    event_ids,
    is_sensitive,
    mint,
    new_thread,
    thread_id,
    thread_of,
    verify,
)

SECRETS = IdSecrets((b"the id key of tests",), b"the seed key of tests")
orgs = st.text(min_size=1, max_size=30)
seeds = st.none() | st.binary(min_size=32, max_size=32)


def test_ten_thousand_ids_verify_for_their_org_and_no_other() -> None:
    """Their bits contain thread and sensitivity; as a run, in another org or under other keys they are unknown."""
    strangers = IdSecrets((b"another id key here",), b"another seed key!!")
    believed_elsewhere = 0
    ids = set()
    for number in range(10_000):
        thread, sensitive = new_thread(None), number % 2 == 1
        id_ = mint(SECRETS, "session", "acme", thread, sensitive, None)
        ids.add(id_)
        assert id_.version == 4
        assert verify(SECRETS, "session", "acme", id_) == (thread, sensitive)
        assert (thread_of(id_), is_sensitive(id_)) == (thread, sensitive)
        for secrets, purpose, org in (
            (SECRETS, "session", "other"),
            (SECRETS, "run", "acme"),
            (strangers, "session", "acme"),
        ):
            try:
                verify(secrets, purpose, org, id_)
                believed_elsewhere += 1
            except UnknownId:
                continue

    assert len(ids) == 10_000
    assert believed_elsewhere <= 1  # 24 bits: one in 17 million matches by chance, so hardly ever one of 60,000 checks


@given(orgs, seeds, st.booleans(), st.integers(0, 127))
def test_a_changed_bit_makes_an_id_unknown(org: str, seed: bytes | None, sensitive: bool, bit: int) -> None:
    """This holds for each of the 128 bits: thread, sensitivity, mac, version and variant."""
    id_ = mint(SECRETS, "session", org, new_thread(seed), sensitive, seed)
    changed = type(id_)(int=id_.int ^ 1 << bit)

    with pytest.raises(UnknownId):
        verify(SECRETS, "session", org, changed)


@given(orgs, st.binary(min_size=32, max_size=32), st.booleans())
def test_the_same_seed_mints_the_same_id_even_after_a_rotation(org: str, seed: bytes, sensitive: bool) -> None:
    """Derived ids depend only on the seed key, which never changes."""
    rotated = IdSecrets((b"a new id key of all", *SECRETS.id_keys), SECRETS.seed_key)
    thread = new_thread(seed)

    assert new_thread(seed) == thread
    assert mint(SECRETS, "session", org, thread, sensitive, seed) == mint(
        rotated, "session", org, thread, sensitive, seed
    )


@given(orgs, st.booleans())
def test_an_id_from_before_a_rotation_is_still_known(org: str, sensitive: bool) -> None:
    """The first key makes ids, and all keys verify them."""
    rotated = IdSecrets((b"a new id key of all", *SECRETS.id_keys), SECRETS.seed_key)
    thread = new_thread(None)
    old = mint(SECRETS, "session", org, thread, sensitive, None)

    assert verify(rotated, "session", org, old) == (thread, sensitive)


@given(st.lists(st.text(max_size=8) | st.none(), max_size=5), st.lists(st.text(max_size=8) | st.none(), max_size=5))
def test_only_equal_parts_derive_the_same(left: list[str | None], right: list[str | None]) -> None:
    """Parts are length-prefixed: ("ab", "c") is not ("a", "bc"), and None is not ""."""
    same = derive(SECRETS.seed_key, "p", left) == derive(SECRETS.seed_key, "p", right)

    assert same == (left == right)
    assert derive(SECRETS.seed_key, "p", left) != derive(SECRETS.seed_key, "q", left)


events = st.tuples(st.text(max_size=6), st.text(max_size=6), st.binary(max_size=12), st.integers(0, 3))


@given(events, events)
def test_only_equal_events_have_equal_ids(
    left: tuple[str, str, bytes, int], right: tuple[str, str, bytes, int]
) -> None:
    """An id follows from the type, the time and data as sent, and the number of equal events before it."""
    hasher = event_id_hasher(SECRETS.seed_key, mint(SECRETS, "session", "acme", 1, False, bytes(32)))

    assert (derived_event_digest(hasher, *left) == derived_event_digest(hasher, *right)) == (left == right)


@given(st.binary(min_size=16, max_size=80), st.uuids(), st.lists(events, max_size=4))
def test_an_event_id_is_the_plain_hash_of_its_parts(
    seed_key: bytes, session: UUID, sent: list[tuple[str, str, bytes, int]]
) -> None:
    """The id is BLAKE2b over session and event: computed here straight from its definition."""
    plain = []
    for event_type, timestamp, data, ordinal in sent:
        head, time = event_type.encode(), timestamp.encode()
        lengths = [len(head), len(time), len(data), ordinal]
        parts = [b"\0\0\0\5", b"event", b"\0\0\0\x10", session.bytes, *(n.to_bytes(4, "big") for n in lengths)]
        digest = blake2b(b"".join([*parts, head, time, data]), key=seed_key[:64], digest_size=16).digest()
        plain.append(UUID(bytes=digest))

    hasher = event_id_hasher(seed_key, session)
    made = event_ids([derived_event_digest(hasher, *event) for event in sent])

    assert made == plain
    assert [(str(id_), hash(id_), id_.int) for id_ in made] == [(str(id_), hash(id_), id_.int) for id_ in plain]


@given(orgs, orgs, st.integers(0, (1 << 56) - 1))
def test_a_thread_id_is_public_and_belongs_to_one_org(org: str, other: str, thread: int) -> None:
    """It needs no key, is formatted like a UUID, and the same tag in another org gives another thread."""
    assert thread_id(org, thread).version == 4
    assert (thread_id(org, thread) == thread_id(other, thread)) == (org == other)
