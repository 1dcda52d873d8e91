"""GET /erasures/:id/certificate: the proof, for those who asked for an erasure, that nothing is left of it."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from msgspec import Struct

from edge.errors import not_certified, not_found
from edge.guards import may
from edge.principal import Caller
from query_api.erasure.checks import ErasureCheckRow
from query_api.erasure.one import ErasedRecords, erased_records, erasure_of, subject_of
from query_api.erasure.progress import Progress, load_progress
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.times import instant
from store.reading.guard import HIDDEN
from store.reading.question import NoParams, Question
from store.reading.reader import Reader

FORMAT = 1
NOT_CHECKED = (
    "backups, downloads and exports, and what is restored from them",
    "developers' machines: transcripts, and what hook clients hold",
    "dead letters: records that could not be read",
    "names in sums that newer ones have replaced, until the store merges them",
    "files that the store's other replicas or Kafka's brokers have not deleted yet",
    "what other sessions say about the erased ones",
)


class FingerprintRow(Struct, frozen=True):
    fingerprint: str


INSTALLATION = Question("query_api.erasure.installation", NoParams, FingerprintRow)


class CertifiedSubject(Struct, frozen=True):
    """What was erased, without the ids."""

    kind: Annotated[str, doc("Sessions, single records, or a whole org.", values="sessions records org")]
    sessions: Annotated[int, doc("Number of sessions that were erased, or that go on without the records.", 1)]


class ReadOfCopy(Struct, frozen=True):
    """The offsets that were read of a copy of the log."""

    place: Annotated[
        str, doc("Which copy; `file`: the bytes of the log's files, without offsets.", values="log file topic archive")
    ]
    read: Annotated[
        dict[str, tuple[int, int]],
        doc("By partition, the first offset that was read, and the one after the last.", {"2": [0, 1_902]}),
    ]


class CheckedGeneration(Struct, frozen=True):
    """A check that found nothing of the erasure: neither rows, nor parts with deleted rows, nor records."""

    generation: fields.Generation
    began_at: Annotated[str, moment("Time at which the check began.")]
    ended_at: Annotated[str, moment("Time at which the check ended.")]
    tables: Annotated[list[str], doc("Tables in whose rows and parts it looked.", ["facts"])]
    copies: Annotated[list[ReadOfCopy], doc("Copies of the log that it read.")]


class Certificate(Struct, frozen=True):
    """Nothing is left of what was erased wherever it was checked."""

    format: Annotated[int, doc("Version of this format.", FORMAT)]
    erasure: fields.ErasureId
    installation: Annotated[str, doc("Fingerprint of the installation's secrets.", "c5e0c1c7f3a94d0b8f6f0e3c2f1b7a90")]
    subject: Annotated[CertifiedSubject, doc("What was erased.")]
    reason: fields.ErasureReason
    recorded_at: Annotated[str, moment("Time at which the erasure was requested.")]
    certified_at: Annotated[str, moment("End of the first check since which every check has found nothing.")]
    records: Annotated[ErasedRecords, doc("Records of the log that were erased.")]
    checked: Annotated[list[CheckedGeneration], doc("The last check of each generation.")]
    not_checked: Annotated[list[str], doc("What was not checked.", [NOT_CHECKED[0]])]


@get(
    "/erasures/{erasure_id:str}/certificate",
    operation_id="GetErasureCertificate",
    guards=[may("erase")],
    opt={"refused_with": (409,)},
)
async def get_erasure_certificate(
    erasure_id: FromPath[str],
    principal: Caller,
    context: Context,
    reader: NamedDependency[SkipValidation[Reader]],
) -> Response[Reply[Certificate]]:
    """Return the certificate of an erasure. Until there is one, 409 says what it waits for.

    It has no name of a user, and no content. If a later check finds something, there is none until that is gone.
    """
    of = erasure_of(principal, erasure_id)
    progress = await load_progress(context, reader, of)
    if progress is None:
        raise not_found()
    if not progress.certified_ms:
        raise not_certified(progress.state, progress.waits_for())
    records = await erased_records(context, of, progress)
    (installation,) = await context.ask_control(INSTALLATION, NoParams())
    return context.reply(_certificate(of.erasure, progress, records, installation.fingerprint))


def _certificate(erasure: UUID, progress: Progress, records: ErasedRecords, fingerprint: str) -> Certificate:
    return Certificate(
        format=FORMAT,
        erasure=erasure,
        installation=fingerprint,
        subject=CertifiedSubject(*subject_of(progress)),
        reason=progress.places[0].reason,
        recorded_at=instant(progress.recorded_ms),
        certified_at=instant(progress.certified_ms),
        records=records,
        checked=[_checked(one.check) for one in progress.generations if one.check is not None],
        not_checked=list(NOT_CHECKED),
    )


def _checked(check: ErasureCheckRow) -> CheckedGeneration:
    copies = [
        ReadOfCopy(copy.place, {str(partition): read for partition, read in enumerate(copy.read)})
        for copy in check.left.logs
    ]
    began_at, ended_at = instant(check.began_us // 1_000), instant(check.ended_ms)
    return CheckedGeneration(check.generation, began_at, ended_at, sorted(HIDDEN), copies)
