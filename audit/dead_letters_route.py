"""The records that could not be projected; they are redriven on the write side."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from audit.dead_letters import DeadLetter, WholeDeadLetter, letter_of, whole_letter_of
from audit.questions import DEAD_LETTER, DEAD_LETTERS, AtPosition, DeadLetterPage
from edge.guards import may
from edge.path_params import parse_position
from query_api.paging import Page
from query_api.read_context import Reading
from schemas.http.responses import Reply


@get("/dead-letters", operation_id="ListDeadLetters", guards=[may("operate")])
async def list_dead_letters(
    reading: NamedDependency[Reading], paging: NamedDependency[Page]
) -> Response[Reply[list[DeadLetter]]]:
    """The records that could not be projected, the newest first."""
    rows, total = await reading.page(DEAD_LETTERS, DeadLetterPage(paging.size, paging.offset))
    return reading.reply([letter_of(row) for row in rows], paging.meta(total))


@get("/dead-letters/{position:str}", operation_id="GetDeadLetter", guards=[may("operate")])
async def get_dead_letter(
    position: FromPath[str], reading: NamedDependency[Reading]
) -> Response[Reply[WholeDeadLetter]]:
    """One of them with its bytes, as they are in the log."""
    asked = parse_position(position)
    return reading.reply(whole_letter_of(await reading.ask(DEAD_LETTER, AtPosition(asked.partition, asked.offset))))
