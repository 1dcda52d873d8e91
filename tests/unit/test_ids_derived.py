"""Derived ids never change: these values are permanent."""

from uuid import UUID

from schemas.ids import (
    IdSecrets,
    derived_event_digest,
    derived_uuid,
    event_id_hasher,
    event_ids,
    mint,
    new_thread,
    thread_id,
)

SECRETS = IdSecrets((b"the id key of tests",), b"the seed key of tests")
SESSION = UUID("10111213-1415-4160-8002-040608db1740")


def test_derived_ids_never_change() -> None:
    """A client that retries next year gets the same ids."""
    seed = bytes(range(32))
    hasher = event_id_hasher(SECRETS.seed_key, SESSION)

    assert mint(SECRETS, "session", "acme", new_thread(seed), False, seed) == SESSION
    assert thread_id("acme", new_thread(seed)) == UUID("85f22a8e-c873-4b8e-b093-4313016e1658")
    assert derived_uuid(SECRETS.seed_key, "lifecycle", ["a", b"b", None]) == UUID(
        "d98eb8c7-6f97-408d-8733-c3d4f8e4d3b5"
    )
    digests = [derived_event_digest(hasher, "Stop", "2026-01-20T10:30:00Z", b"{}", ordinal) for ordinal in (0, 1)]
    assert event_ids(digests) == [
        UUID("e0cc33b1-2dc7-3246-21c8-3162073731f3"),
        UUID("d96d27f6-13c3-c11c-0c22-e604c48eb17c"),
    ]
