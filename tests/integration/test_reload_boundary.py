"""A projector reloads a session from exactly the facts before its batch, on the real engine.

After a crash the store already has later facts. A state that includes them would find nothing new in the batch, and
neither the session nor its tasks would be written. The model check shows that on an in-memory store; this is the SQL.
"""

import pytest

from processors import warehouse
from tests.support.builders import ORG, LogBuilder, created, hook, recorded, session_id
from tests.support.rigs.projected import project
from tests.support.rigs.store import TestStore

FACTS = warehouse.sql("facts")
BELOW = "place < {below:UInt64} * 65536"
BEYOND = FACTS.replace(BELOW, "0 <= {below:UInt64}")
THE_FIRST_TOO = FACTS.replace(BELOW, "place < ({below:UInt64} + 1) * 65536")


@pytest.mark.parametrize(
    ("statement", "offsets"),
    [(FACTS, [0, 1]), (BEYOND, [0, 1, 2, 3]), (THE_FIRST_TOO, [0, 1, 2])],
    ids=["as it is", "mistake: reload sees the batch and beyond", "mistake: reload sees the first of the batch"],
)
def test_a_reload_sees_the_facts_below_the_batch_alone(
    shared_store: TestStore, monkeypatch: pytest.MonkeyPatch, statement: str, offsets: list[int]
) -> None:
    """All four facts are stored, and the batch begins at 2; the test detects the SQL with the mistake."""
    shared_store.empty()
    session, log = session_id("reloaded"), LogBuilder()
    log.add(created(session), *[recorded(session, hook("UserPromptSubmit")) for _ in range(3)])
    project(shared_store, log.records)
    monkeypatch.setattr(warehouse, "sql", lambda _name: statement)

    rows = shared_store.warehouse().facts([(ORG, session)], below=2)

    assert [row.log_offset for row in rows] == offsets
