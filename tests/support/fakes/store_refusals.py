"""Errors of a ClickHouse server that can't run a statement; a store server in another process returns them."""

from pathlib import Path

import msgspec

from devstack.store_server.conditions import ALWAYS, REFUSALS, Refusal
from ingest.log.atomic_write import write_whole
from store.codes import CODES, Verdict

PASSING = (241, 242, 243, 252)  # MEMORY_LIMIT_EXCEEDED, TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE, TOO_MANY_PARTS
NOTHING_DONE = "It can't be done."
PASSES, REFUSED = (
    [code for code, known in CODES.items() if known.verdict is verdict] for verdict in (Verdict.PASSES, Verdict.REFUSED)
)

# Errors that only an operator can fix, in the words of ClickHouse 26.9.
WORDS = {
    115: "Unknown setting 'deduplicate_insert'.",
    164: "crewkit: Cannot execute query in readonly mode.",
    452: "Setting max_memory_usage shouldn't be greater than 1000000000.",
    497: (
        "crewkit: Not enough privileges. To execute this query, it's necessary to have the grant "
        "SELECT(number, sha256) ON crewkit.migrations."
    ),
    516: "crewkit: Authentication failed: password is incorrect, or there is no user with such name.",
}


def words_of(code: int) -> str:
    """Return only the message of an error."""
    return WORDS.get(code, NOTHING_DONE)


def refusal_text(code: int) -> str:
    """Return the text of an error, as in the response and in a client's exception."""
    return f"Code: {code}. DB::Exception: {words_of(code)} ({CODES[code].name}) (version 26.9.2.1)"


class StoreRefusals:
    """The file that a store server with ``environment`` reads before each statement."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.environment = {REFUSALS: str(file)}

    def put(self, *refusals: Refusal) -> None:
        """Replace the refusals."""
        write_whole(self.file, msgspec.json.encode(refusals).decode())

    def everything(self, code: int, words: str = "") -> None:
        """Fail every statement with this code, with the given message or a real server's."""
        self.put(Refusal(codes=(code,), words=words or words_of(code), times=ALWAYS))

    def end(self) -> None:
        """Stop failing."""
        self.file.unlink(missing_ok=True)
