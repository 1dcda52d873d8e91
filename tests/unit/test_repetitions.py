"""A fact that counted, and turns out to repeat an earlier one that was missing from the tables."""

from uuid import UUID

from processors.projections.records import place_at
from tests.support.builders import ORG, LogBuilder, created, hook, recorded, session_id
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.projection import pipeline_over, settle

SESSION, REPEATED = session_id(1), UUID(int=7)


async def test_a_fact_that_counted_is_deleted_once_the_earlier_one_is_known() -> None:
    """Once the gap is filled, its session's later facts are written again: the id counts once, at its first place."""
    log = LogBuilder(partitions=1)
    log.add(created(SESSION), recorded(session_id(2), hook("Stop")), recorded(SESSION, hook("Stop", event_id=REPEATED)))
    complete = LogBuilder(partitions=1)
    complete.add(created(SESSION), *(recorded(SESSION, hook("Stop", event_id=REPEATED)) for _ in range(2)))
    warehouse = FakeWarehouse()
    before = pipeline_over(warehouse, log.records, partitions=1)
    await before.project(log.records)
    await settle(before)
    for table, key in (("receipts", (0, 1)), ("facts", (ORG, session_id(2), place_at(1, 0)))):
        del warehouse.tables[table][key]

    after = pipeline_over(warehouse, complete.records, partitions=1)
    await after.take_over(0, 3)
    await settle(after)

    places = {row.place: row.event_id for row in warehouse.rows("facts") if row.session_id == SESSION}
    assert [place for place, event_id in places.items() if event_id == REPEATED] == [place_at(1, 0)]
    assert warehouse.tables["facts"][ORG, SESSION, place_at(2, 0)].is_deleted
    assert [row.events for row in warehouse.rows("sessions") if row.session_id == SESSION] == [1]
