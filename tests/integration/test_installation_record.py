"""The store records an installation's secrets and partition count once, so that no two installations mix."""

from pathlib import Path

import pytest

from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import own_secrets
from schemas.installation import OwnSecrets
from store.errors import Refused
from store.installation_record import check_own_secrets, check_same_installation, record_in_store, stored_record
from tests.support.rigs.store import TestStore

OURS, THEIRS = OwnSecrets("f1", "/our/secrets"), OwnSecrets("f2", "/their/secrets")


def test_the_first_record_counts(store: TestStore) -> None:
    """The same record again is accepted; other secrets or another count are refused."""
    record_in_store(store.address, 4, OURS)
    record_in_store(store.address, 4, OURS)

    assert stored_record(store.address) == (4, "f1")
    assert store.client.query(f"SELECT count() FROM {store.address.control}.installation").result_rows == [(1,)]
    with pytest.raises(Refused, match=r"configured for 5 partitions.*made with 4"):
        record_in_store(store.address, 5, OURS)
    for refused in (
        lambda: record_in_store(store.address, 4, THEIRS),
        lambda: check_own_secrets(store.address, THEIRS),
    ):
        with pytest.raises(Refused, match=r"in /their/secrets are not those .*\.installation .*seed\.key"):
            refused()


def test_of_two_that_record_at_once_the_first_counts(store: TestStore) -> None:
    """A later record changes nothing."""
    record_in_store(store.address, 4, OURS)
    store.client.command(f"INSERT INTO {store.address.control}.installation (partitions, secrets) VALUES (9, 'a')")

    assert stored_record(store.address) == (4, "f1")


def test_a_store_of_another_installation_is_refused(store: TestStore) -> None:
    """A projector, which has no secrets but sees both records, refuses it."""
    record_in_store(store.address, 4, OURS)

    check_same_installation(store.address, "f1", "the topic t")
    with pytest.raises(Refused, match="belongs to another installation than the topic t: check STORE_URL and LOG_URL"):
        check_same_installation(store.address, "f2", "the topic t")


def test_a_store_without_a_record_is_refused(store: TestStore) -> None:
    """This holds without a row, without the table, and without the database."""
    for change in ("", "DROP TABLE {}.installation SYNC", "DROP DATABASE {} SYNC"):
        if change:
            store.client.command(change.format(store.address.control))

        with pytest.raises(Refused, match=r"nothing is recorded in .*provision` first"):
            check_own_secrets(store.address, OURS)


def test_a_rotation_changes_no_fingerprint_and_another_key_does(tmp_path: Path) -> None:
    """New lines of `id.keys` go first; its oldest line and `seed.key` never change."""
    make_embedded_secrets(tmp_path)
    made = own_secrets(tmp_path)
    ids, seed = tmp_path / "id.keys", tmp_path / "seed.key"
    oldest, first_seed = ids.read_text(), seed.read_text()

    ids.write_text("ab" * 32 + "\n" + oldest)
    rotated = own_secrets(tmp_path)
    ids.write_text("ab" * 32)
    without_the_oldest = own_secrets(tmp_path)
    ids.write_text(oldest)
    seed.write_text("cd" * 32)
    other_seed = own_secrets(tmp_path)

    assert rotated == made
    assert len({made, without_the_oldest, other_seed}) == 3
    assert len(made.fingerprint) == 32
    assert not {made.fingerprint} & {first_seed.strip()[:32], oldest.strip()[:32]}
