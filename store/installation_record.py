"""The installation record in the store: the first row of `installation` in the control database, which never changes.

`provision` and `up` write it. Every process that uses the store checks it, so that the store, the log and the
secrets of different installations are never mixed.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.installation import OwnSecrets, other_partitions, other_secrets
from store.address import StoreAddress
from store.client_errors import STORE_ERRORS, classify, verdict_of_error
from store.codes import Verdict
from store.connect import PLAIN, WRITE, ClientProfile, connect
from store.errors import Refused

_FIRST = "SELECT partitions, secrets FROM installation ORDER BY at, secrets LIMIT 1"


class StoredRecord(NamedTuple):
    """The number of the log's partitions, and the fingerprint of the installation's secrets."""

    partitions: int
    secrets: str


def record_in_store(store: StoreAddress, partitions: int, own: OwnSecrets) -> None:
    """Write the record if there is none, then check it. The tables must exist.

    Raises `Refused` if the store belongs to another installation, `StoreUnavailable` if it is away.
    """
    with _control(store, WRITE) as client:
        if not client.query(_FIRST).result_rows:
            client.command(
                "INSERT INTO installation (partitions, secrets) SELECT {partitions:UInt16}, {secrets:String}",
                parameters={"partitions": partitions, "secrets": own.fingerprint},
            )
    stored = stored_record(store)
    if stored.partitions != partitions:
        raise Refused(other_partitions(partitions, stored.partitions, _place(store)))
    _compare(store, stored, own)


def check_own_secrets(store: StoreAddress, own: OwnSecrets) -> None:
    """Raise `Refused` if the store was made with other secrets, `StoreUnavailable` if it is away."""
    _compare(store, stored_record(store), own)


def _compare(store: StoreAddress, stored: StoredRecord, own: OwnSecrets) -> None:
    if stored.secrets != own.fingerprint:
        raise Refused(other_secrets(own, _place(store)))


def check_same_installation(store: StoreAddress, secrets: str, log: str) -> None:
    """Check that the store has the fingerprint ``secrets``, as recorded in ``log``; raises as `check_own_secrets`."""
    if stored_record(store).secrets != secrets:
        raise Refused(f"{_place(store)} belongs to another installation than {log}: check STORE_URL and LOG_URL")


def stored_record(store: StoreAddress) -> StoredRecord:
    """Return the record. Raises `Refused` if nothing is recorded, `StoreUnavailable` if the store is away."""
    with _control(store, PLAIN) as client:
        found = client.query(_FIRST).result_rows
    if not found:
        raise _nothing(store)
    return StoredRecord(*found[0])


@contextmanager
def _control(store: StoreAddress, profile: ClientProfile) -> Iterator[Client]:
    try:
        with closing(connect(profile.within(5, 5), **store.at(store.control))) as client:
            yield client
    except STORE_ERRORS as error:
        if verdict_of_error(error) is Verdict.NOT_PROVISIONED:
            raise _nothing(store) from error
        raise classify(error) from error


def _nothing(store: StoreAddress) -> Refused:
    return Refused(f"nothing is recorded in {_place(store)}: run `crewkit-sessions provision` first")


def _place(store: StoreAddress) -> str:
    return f"the table {store.control}.installation of the store"
