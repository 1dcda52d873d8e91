"""GET /erasures/:id: how far an erasure is, and what it waits for."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from msgspec import Struct

from edge.errors import not_found
from edge.guards import may
from edge.principal import Caller, Principal
from query_api.erasure.progress import OfErasure, Progress, load_progress
from query_api.read_context import Context, ReadContext
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.times import instant
from store.reading.question import Question
from store.reading.reader import Reader


class RecordsOf(Struct, frozen=True):
    """The records of an erasure; all of the org if ``is_org``."""

    org_id: str
    erasure: UUID
    is_org: bool


class RecordsRow(Struct, frozen=True):
    log_partition: int
    records: int


RECORDS = Question("query_api.erasure.records", RecordsOf, RecordsRow)


class ErasureSteps(Struct, frozen=True):
    """When each state was reached; null if it was not yet."""

    recorded: Annotated[str, moment("Time at which it was requested.")]
    hidden: Annotated[str, moment("Time since which nothing shows what is erased.")] | None
    swept: Annotated[str, moment("End of the last sweep of the store's files.")] | None
    certified: Annotated[str, moment("End of the first check since which every check has found nothing.")] | None


class ErasedRecords(Struct, frozen=True):
    """How many records of the log were erased."""

    erased: Annotated[int, doc("Number of records.", 42)]
    by_partition: Annotated[dict[str, int], doc("Number of records of each partition that has any.", {"2": 42})]


class ErasureProgress(Struct, frozen=True):
    """An erasure, and how far it is."""

    id: fields.ErasureId
    state: fields.ErasureState
    steps: Annotated[ErasureSteps, doc("When each state was reached.")]
    subject: Annotated[
        str, doc("What is erased: sessions, single records, or all of the org.", values="sessions records org")
    ]
    reason: fields.ErasureReason
    sessions: Annotated[int, doc("Number of sessions that are erased, or that go on without the records.", 1)]
    records: Annotated[ErasedRecords, doc("Records of the log that are erased.")]
    waits_for: Annotated[
        list[str], doc("What is missing until it is certified.", ["g1 is swept after 2026-01-21T10:30:00.000Z"])
    ]


@get("/erasures/{erasure_id:str}", operation_id="GetErasure", guards=[may("erase")])
async def get_erasure(
    erasure_id: FromPath[str],
    principal: Caller,
    context: Context,
    reader: NamedDependency[SkipValidation[Reader]],
) -> Response[Reply[ErasureProgress]]:
    """Return how far an erasure is. It is known here within a second or two of the request."""
    of = erasure_of(principal, erasure_id)
    progress = await load_progress(context, reader, of)
    if progress is None:
        raise not_found()
    kind, sessions = subject_of(progress)
    return context.reply(
        ErasureProgress(
            id=of.erasure,
            state=progress.state,
            steps=_steps(progress),
            subject=kind,
            reason=progress.places[0].reason,
            sessions=sessions,
            records=await erased_records(context, of, progress),
            waits_for=progress.waits_for(),
        )
    )


def erasure_of(principal: Principal, erasure_id: str) -> OfErasure:
    """Return the parameters of an erasure of the caller's org. Raises 404 if the id can't be one."""
    try:
        return OfErasure(principal.org_id, UUID(erasure_id))
    except ValueError as error:
        raise not_found() from error


def subject_of(progress: Progress) -> tuple[str, int]:
    """Return the kind of what is erased, and the number of sessions."""
    sessions: dict[int, int] = {}  # of a partition: a repeated request has another record with the same ones
    for place in progress.places:
        sessions[place.log_partition] = max(place.sessions, sessions.get(place.log_partition, 0))
    return progress.subject, sum(sessions.values())


async def erased_records(context: ReadContext, of: OfErasure, progress: Progress) -> ErasedRecords:
    rows = await context.ask(RECORDS, RecordsOf(of.org_id, of.erasure, progress.subject == "org"))
    return ErasedRecords(sum(row.records for row in rows), {str(row.log_partition): row.records for row in rows})


def _steps(progress: Progress) -> ErasureSteps:
    reached = (progress.hidden_ms, progress.swept_ms, progress.certified_ms)
    return ErasureSteps(instant(progress.recorded_ms), *(instant(at) if at else None for at in reached))
