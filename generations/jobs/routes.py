"""The operators' routes: create jobs, show jobs and generations, read the report of a proof.

They belong to the read side, which has access to the store: a job is rows in the control database.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.status_codes import HTTP_202_ACCEPTED
from msgspec import Struct

from edge.errors import ApiError, invalid, not_found
from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Caller
from edge.route_docs import takes
from generations.jobs.replies import GenerationReply, JobReply, generation_reply, job_reply
from generations.jobs.rules import refusal
from generations.jobs.table import Job, JobOptions, Kind, new_job
from generations.situation import Situation, load_situation
from ingest.body import Bodies
from prices.price_file import BadPrices, parse_prices
from query_api.read_context import Context, Paging
from schemas.http.fields import doc
from schemas.http.requests import CreateJob
from schemas.http.responses import Reply
from store.reading.question import Question
from store.reading.reader import Reader, answer_from_control

OF_LIVE = ("repair", "sweep", "check_erasures")  # without a generation, they are for the live one
JOBS_MAX = 1_000  # in one listing
AnyReader = NamedDependency[SkipValidation[Reader]]
logger = structlog.get_logger()
_decoder = msgspec.json.Decoder(CreateJob)


class OfGeneration(Struct, frozen=True):
    generation: str


class ProofReportRow(Struct, frozen=True):
    """The last proof of a generation; ``report`` is JSON."""

    at_us: int
    request: UUID
    report: str


PROOF = Question("generations.jobs.proof", OfGeneration, ProofReportRow)
_REPORT = {"equal": True, "generation": "g2", "compared_with": "g1"}
ProofReport = Annotated[msgspec.Raw, doc("The report.", _REPORT, extra_json_schema={"type": "object"})]


async def create_job(
    request: Request[Any, Any, Any], principal: Caller, reader: AnyReader, bodies: NamedDependency[Bodies]
) -> Response[Reply[JobReply]]:
    """Request a job from the processes of the installation, such as a repair, a replay or a load of prices.

    The process that owns the work picks the job up within seconds. `GET /operator/jobs/{work_id}` shows its progress
    and result, or which process is missing if nothing happens.
    """
    async with bodies.read(request) as body:
        wanted = await body.decode(_decoder)
    situation = await load_situation(reader)
    generation = wanted.generation or (situation.live.name if situation.live and wanted.kind in OF_LIVE else "")
    options = _options(wanted)
    if why := refusal(wanted.kind, generation, options, situation):
        raise ApiError(422, "refused", f"Refused: {why}.", {"generation": [why]})
    row = new_job(wanted.kind, generation, principal.user_id, options)
    await reader.control("generations.jobs.add_event", row)
    logger.info("job_created", kind=wanted.kind, generation=generation, by=principal.user_id, id=str(row["id"]))
    added = await load_situation(reader)
    return Response(Reply(job_reply(_find(added, row["id"]), added), {}))


async def list_jobs(context: Context, paging: Paging, reader: AnyReader) -> Response[Reply[list[JobReply]]]:
    """List the last 1,000 jobs, newest first: who requested them and when, and their results."""
    situation = await load_situation(reader, JOBS_MAX)
    newest_first = situation.jobs[::-1]
    some = newest_first[paging.offset : paging.offset + paging.size]
    return context.reply([job_reply(one, situation) for one in some], paging.meta(len(newest_first)))


async def get_job(work_id: FromPath[str], context: Context, reader: AnyReader) -> Response[Reply[JobReply]]:
    """Show a job: its progress and result, or which process is missing if none picks it up."""
    situation = await load_situation(reader, JOBS_MAX)
    return context.reply(job_reply(_find(situation, parse_id(work_id)), situation))


@get("/generations", operation_id="ListGenerations", guards=[may("operate")])
async def list_generations(context: Context, reader: AnyReader) -> Response[Reply[list[GenerationReply]]]:
    """List the generations, oldest first, with their progress, their last proof and when they were live."""
    situation = await load_situation(reader, JOBS_MAX)
    return context.reply([generation_reply(status, situation) for status in situation.generations.values()])


@get("/generations/{generation:str}/proof", operation_id="GetProof", guards=[may("operate")])
async def get_proof(generation: FromPath[str], context: Context, reader: AnyReader) -> Response[Reply[ProofReport]]:
    """Return the report of the last proof of a generation: what was compared, and every difference."""
    rows = await answer_from_control(reader, PROOF, OfGeneration(generation))
    if not rows:
        raise not_found()
    return context.reply(msgspec.Raw(rows[0].report.encode()))


_OPTION_OF: tuple[tuple[str, Kind], ...] = (
    ("rate", "replay"),
    ("accept_differences", "switch"),
    ("prices", "prices"),
    ("new_generations_only", "prices"),
)


def _options(wanted: CreateJob) -> JobOptions:
    """Return the options. Raises `ApiError` if one belongs to another kind of job, or one is missing or wrong."""
    for name, kind in _OPTION_OF:
        if getattr(wanted, name) and wanted.kind != kind:
            raise invalid({name: [f"belongs to {kind}, not to {wanted.kind}"]})
    if wanted.kind == "prices":
        if wanted.generation:
            raise invalid({"generation": ["belongs to other kinds of jobs, not to prices"]})
        try:
            parse_prices(wanted.prices)
        except BadPrices as error:
            raise invalid({"prices": [str(error)]}) from error
    elif not wanted.generation and wanted.kind not in OF_LIVE:
        raise invalid({"generation": [f"name the generation to {wanted.kind}"]})
    return JobOptions(wanted.rate, wanted.accept_differences, wanted.prices, wanted.new_generations_only)


def _find(situation: Situation, job_id: UUID) -> Job:
    found = next((job for job in situation.jobs if job.id == job_id), None)
    if found is None:
        raise not_found()
    return found


_CREATES: dict[str, Any] = {
    "status_code": HTTP_202_ACCEPTED,
    "guards": [may("operate")],
    "opt": takes(CreateJob, to_log=False),
}
_SHOWS: dict[str, Any] = {"guards": [may("operate")]}
HANDLERS = [
    post("/jobs", operation_id="CreateJob", **_CREATES)(create_job),
    get("/jobs", operation_id="ListJobs", **_SHOWS)(list_jobs),
    get("/jobs/{work_id:str}", operation_id="GetJob", **_SHOWS)(get_job),
    # Jobs were called requests: these answer the same.
    post("/requests", operation_id="RequestWork", deprecated=True, **_CREATES)(create_job),
    get("/requests", operation_id="ListRequests", deprecated=True, **_SHOWS)(list_jobs),
    get("/requests/{work_id:str}", operation_id="GetRequest", deprecated=True, **_SHOWS)(get_job),
    list_generations,
    get_proof,
]
