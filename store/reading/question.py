"""A question to the store: an SQL file, the parameters it takes, and the rows it returns.

Parameters are named after the file's placeholders, row fields after its columns. Money is in nano-dollars; a name that
ends in ``_ms`` is a duration, or a time since 1970, in milliseconds.
"""

from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

P = TypeVar("P", bound=Struct)
R = TypeVar("R", bound=Struct)


class Question(NamedTuple, Generic[P, R]):
    """The SQL file ``<package>.<file>``, such as ``query_api.analytics.summary``, its parameters and its rows."""

    name: str
    params: type[P]
    row: type[R]


class Asks(Protocol):
    """Answers questions, all from one generation."""

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """Return the rows that answer a question."""


class NoParams(Struct, frozen=True):
    """The parameters of a question that takes none."""


class LiveGenerationRow(Struct, frozen=True):
    """The generation that readers use."""

    name: str
    partitions: int
    fold_version: int


LIVE_GENERATION = Question("store.reading.live_generation", NoParams, LiveGenerationRow)
