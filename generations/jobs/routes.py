"""The operators' routes for work: request it, show requests and generations, read the report of a proof.

They belong to the read side, which has access to the store: a request is one row in the control database.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request as HttpRequest
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.status_codes import HTTP_202_ACCEPTED
from msgspec import Meta, Struct

from edge.errors import ApiError, invalid, not_found
from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from edge.route_docs import responds_with, takes
from generations.jobs.replies import GenerationReply, RequestedWork, generation_reply, request_reply
from generations.jobs.rules import refusal
from generations.jobs.table import RequestOptions, new_request
from generations.situation import Situation, load_situation
from ingest.body import Bodies
from query_api.paging import Page
from query_api.read_context import ReadContext
from schemas.http.requests import RequestWork
from schemas.http.responses import Reply
from store.reading.question import Question
from store.reading.reader import Reader, answer_from_control

REQUESTS_MAX = 1_000  # in one listing
AnyReader = NamedDependency[SkipValidation[Reader]]
logger = structlog.get_logger()
_decoder = msgspec.json.Decoder(RequestWork)


class OfGeneration(Struct, frozen=True):
    """The generation with this name."""

    generation: str


class ProofReportRow(Struct, frozen=True):
    """The last proof of a generation; ``report`` is JSON."""

    at_us: int
    request: UUID
    report: str


PROOF = Question("generations.jobs.proof", OfGeneration, ProofReportRow)
ProofReport = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]


@post(
    "/requests",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RequestWork",
    guards=[may("operate")],
    opt=takes(RequestWork, to_log=False),
)
async def request_work(
    request: HttpRequest[Any, Any, Any],
    principal: NamedDependency[Principal],
    reader: AnyReader,
    bodies: NamedDependency[Bodies],
) -> Response[Reply[RequestedWork]]:
    """Request work from the processes of the installation: repair, replay, prove, switch, drop, pause or resume.

    The request is one row in the control database. The process that owns the work picks it up within seconds.
    `GET /operator/requests/{work_id}` shows its progress and result, or which process is missing if nothing happens.
    """
    async with bodies.read(request) as body:
        work = await body.decode(_decoder)
    situation = await load_situation(reader)
    generation = work.generation or (situation.live.name if situation.live else "")
    options = _options(work)
    if why := refusal(work.kind, generation, options, situation):
        raise ApiError(422, "refused", f"Refused: {why}.", {"generation": [why]})
    row = new_request(work.kind, generation, principal.user_id, options)
    await reader.control("generations.jobs.request_event", row)
    logger.info("work_requested", kind=work.kind, generation=generation, by=principal.user_id, id=str(row["id"]))
    added = await load_situation(reader)
    return Response(Reply(request_reply(_find(added, row["id"]), added), {}))


@get("/requests", operation_id="ListRequests", guards=[may("operate")])
async def list_requests(
    context: NamedDependency[ReadContext], paging: NamedDependency[Page], reader: AnyReader
) -> Response[Reply[list[RequestedWork]]]:
    """List the last 1,000 requests, newest first: who made them and when, and their results."""
    situation = await load_situation(reader, REQUESTS_MAX)
    newest_first = situation.requests[::-1]
    some = newest_first[paging.offset : paging.offset + paging.size]
    return context.reply([request_reply(one, situation) for one in some], paging.meta(len(newest_first)))


@get("/requests/{work_id:str}", operation_id="GetRequest", guards=[may("operate")])
async def get_request(
    work_id: FromPath[str], context: NamedDependency[ReadContext], reader: AnyReader
) -> Response[Reply[RequestedWork]]:
    """Show a request: its progress and result, or which process is missing if none picks it up."""
    situation = await load_situation(reader, REQUESTS_MAX)
    return context.reply(request_reply(_find(situation, parse_id(work_id)), situation))


@get("/generations", operation_id="ListGenerations", guards=[may("operate")])
async def list_generations(
    context: NamedDependency[ReadContext], reader: AnyReader
) -> Response[Reply[list[GenerationReply]]]:
    """List the generations, oldest first, with their progress, their last proof and when they were live."""
    situation = await load_situation(reader, REQUESTS_MAX)
    return context.reply([generation_reply(status, situation) for status in situation.generations.values()])


@get(
    "/generations/{generation:str}/proof",
    operation_id="GetProof",
    guards=[may("operate")],
    opt=responds_with({"data": {"equal": True, "generation": "g2", "compared_with": "g1"}, "meta": {}}),
)
async def get_proof(
    generation: FromPath[str], context: NamedDependency[ReadContext], reader: AnyReader
) -> Response[Reply[ProofReport]]:
    """Return the report of the last proof of a generation: what was compared, and every difference."""
    rows = await answer_from_control(reader, PROOF, OfGeneration(generation))
    if not rows:
        raise not_found()
    return context.reply(msgspec.Raw(rows[0].report.encode()))


def _options(work: RequestWork) -> RequestOptions:
    """Return the options. Raises `ApiError` if one belongs to another kind of work or the generation is missing."""
    for name, kind in (("rate", "replay"), ("accept_differences", "switch")):
        if getattr(work, name) and work.kind != kind:
            raise invalid({name: [f"belongs to {kind}, not to {work.kind}"]})
    if not work.generation and work.kind != "repair":
        raise invalid({"generation": [f"name the generation to {work.kind}"]})
    return RequestOptions(work.rate, work.accept_differences)


def _find(situation: Situation, request_id: UUID) -> Any:
    found = next((request for request in situation.requests if request.id == request_id), None)
    if found is None:
        raise not_found()
    return found


HANDLERS = [request_work, list_requests, get_request, list_generations, get_proof]
