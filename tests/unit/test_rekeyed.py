"""Erasures under the keys of another number of partitions."""

from ingest.log.archive.rekeyed import Rekeyed
from schemas.log.codec import encode, erasure_in
from schemas.log.position import LogRecord
from schemas.log.records import RecordsErased
from schemas.log.topics import record_key
from tests.support.builders import T0, records_erased
from tests.support.builders import session_id as named


def test_only_what_the_log_lacks_of_a_list_is_added() -> None:
    """The log ended between the records of an erasure; the list has all of it in one record of another log."""
    known = records_erased(0, named(0), partitions=1)
    keys = Rekeyed(1, 1)
    keys.moved(LogRecord(0, 0, record_key(known.session_id), encode(known), T0))
    both = records_erased(2, named(0), named(1), partitions=3)

    (added,) = keys.added([both, both], [1])

    found = erasure_in(added, 1)
    assert isinstance(found, RecordsErased)
    assert (found.sessions, found.erasure, added.timestamp_ms) == ((named(1),), both.erasure, both.received_at)
