"""The records that could not be projected. Redriving them belongs to the write side."""

from base64 import b64decode
from contextlib import suppress
from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from audit.turns import OPERATOR_WAIT_S, Turn
from edge.errors import not_found
from edge.guards import may
from edge.path_params import parse_position
from query_api.read_context import Context, Paging
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.log.position import Position
from schemas.times import instant
from store.reading.question import Question


class DeadLettersPage(Struct, frozen=True):
    """A page of all dead letters, or the one at a position."""

    limit: int
    offset: int
    log_partition: int | None = None
    log_offset: int | None = None


class DeadLettersPageRow(Struct, frozen=True):
    """A record that could not be projected, and the positions where it was appended again.

    The bytes (base64) are empty unless a position was requested.
    """

    log_partition: int
    log_offset: int
    logged_ms: int
    reason: str
    size: int
    redriven_to: list[tuple[int, int]]
    key_base64: str
    value_base64: str
    total_count: int


DEAD_LETTERS = Question("audit.dead_letters", DeadLettersPage, DeadLettersPageRow)


class DeadLetter(Struct, frozen=True):
    """A position whose record could not be projected, why not, and where it was appended again."""

    position: Annotated[str, doc("Log position of the record.", "2:1841")]
    logged_at: Annotated[str, moment("Time at which the log stored the record, by the log's clock.")]
    reason: fields.Reason
    size: Annotated[int, doc("Size of the record's value in bytes.", 512)]
    redriven_to: Annotated[list[str], doc("Log positions of its later copies.", ["2:1990"])]


class WholeDeadLetter(DeadLetter, frozen=True):
    """A dead letter with its bytes: in base64, and as text if they are UTF-8."""

    key_base64: Annotated[str, doc("Key of the record, in base64.", "Cz1cHnpST/A=")]
    value_base64: Annotated[str, doc("Value of the record, in base64.", "bm90IGEgcmVjb3Jk")]
    text: Annotated[str | None, doc("Value of the record, if it is text.", "not a record")]


@get("/dead-letters", operation_id="ListDeadLetters", guards=[may("operate")])
async def list_dead_letters(context: Context, paging: Paging, turn: Turn) -> Response[Reply[list[DeadLetter]]]:
    """List the records that could not be projected, newest first."""
    async with turn.within(OPERATOR_WAIT_S):
        rows, total = await context.ask_page(DEAD_LETTERS, DeadLettersPage(paging.size, paging.offset))
    return context.reply([DeadLetter(*_head(row)) for row in rows], paging.meta(total))


@get("/dead-letters/{position:str}", operation_id="GetDeadLetter", guards=[may("operate")])
async def get_dead_letter(position: FromPath[str], context: Context, turn: Turn) -> Response[Reply[WholeDeadLetter]]:
    """Return a dead letter with its bytes as they are in the log."""
    at = parse_position(position)
    async with turn.within(OPERATOR_WAIT_S):
        rows = await context.ask(DEAD_LETTERS, DeadLettersPage(1, 0, at.partition, at.offset))
    if not rows:
        raise not_found()
    (row,) = rows
    text: str | None = None
    with suppress(UnicodeDecodeError):
        text = b64decode(row.value_base64).decode()
    return context.reply(WholeDeadLetter(*_head(row), row.key_base64, row.value_base64, text))


def _head(row: DeadLettersPageRow) -> tuple[str, str, str, int, list[str]]:
    position = str(Position(row.log_partition, row.log_offset))
    redriven_to = [str(Position(*at)) for at in row.redriven_to]
    return position, instant(row.logged_ms), row.reason, row.size, redriven_to
