"""How far each partition is projected, and the age of the data that readers see."""

from typing import Annotated

from litestar import Response, get
from msgspec import Struct

from audit.clients import UnknownShare, unknown_share
from edge.guards import may
from query_api.freshness import PROGRESS
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply
from schemas.times import instant
from store.reading.question import NoParams


class PartitionFreshness(Struct, frozen=True):
    """One partition: its tables, and the rollups that follow them. Times are ``null`` until it has reported."""

    partition: fields.Partition
    log_end: fields.LogEnd
    projected: fields.Projected
    lag: Annotated[int, doc("Number of records not yet projected.", 0)]
    complete_through: fields.CompleteThrough | None
    age_seconds: Annotated[float | None, doc("Seconds since `complete_through`.", 0.7)]
    rolled_up: Annotated[int, doc("Offset up to which the rollups contain every session of the partition.", 1842)]
    rollups_complete_through: fields.RollupsCompleteThrough | None


class InstallationFreshness(Struct, frozen=True):
    """Everything accepted before ``complete_through`` is visible; it is ``null`` until all partitions have reported.

    ``rollups_complete_through`` says the same of the rollups, and so of analytics. ``events_of_a_day`` is about
    sessions that started within the last day.
    """

    complete_through: fields.CompleteThrough | None
    rollups_complete_through: fields.RollupsCompleteThrough | None
    lag_records: fields.LagRecords
    partitions: Annotated[list[PartitionFreshness], doc("Partitions of the log.")]
    events_of_a_day: Annotated[UnknownShare, doc("Events in sessions of the last day, by what is known of them.")]


@get("/freshness", operation_id="ShowFreshness", guards=[may("operate")])
async def show_freshness(context: Context) -> Response[Reply[InstallationFreshness]]:
    """Show how far each partition of the log is projected, and through which moment everything accepted is visible."""
    rows = await context.ask(PROGRESS, NoParams())
    partitions = [
        PartitionFreshness(
            partition=row.log_partition,
            log_end=row.log_end,
            projected=row.projected,
            lag=max(0, row.log_end - row.projected),
            complete_through=_instant(row.complete_ms),
            age_seconds=row.age_ms / 1000 if row.complete_ms else None,
            rolled_up=row.rolled_up,
            rollups_complete_through=_instant(row.rolled_up_ms),
        )
        for row in rows
    ]
    freshness = InstallationFreshness(
        complete_through=_instant(min((row.complete_ms for row in rows), default=0)),
        rollups_complete_through=_instant(min((row.rolled_up_ms for row in rows), default=0)),
        lag_records=sum(partition.lag for partition in partitions),
        partitions=partitions,
        events_of_a_day=await unknown_share(context),
    )
    return context.reply(freshness)


def _instant(ms: int) -> str | None:
    return instant(ms) if ms else None
