"""A client of the store that raises errors with a chosen code, before or after a statement takes effect."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.fakes.store_refusals import refusal_text

STATEMENTS = frozenset({"query", "raw_query", "command", "raw_insert", "query_row_block_stream"})
NO_STATEMENTS = frozenset({"close", "database"})


class RefusingStore:
    """Fails each statement with the code at the first try and runs it at the second; the third try fails again.

    Every second failure is misleading: the statement took effect, as with code 319, or if the server stops in between.
    """

    def __init__(self, code: int, connect: Callable[[], Client]) -> None:
        self.code, self._connect = code, connect
        self.refused = 0
        self._tries: Counter[str] = Counter()

    def client(self) -> Any:
        """Return a client of the store."""
        return _RefusingClient(self, self._connect())

    def answer(self, statement: str, call: Callable[[], Any]) -> Any:
        """Return the result of one try of a statement, or raise."""
        self._tries[statement] += 1
        if self._tries[statement] % 2 == 0:
            return call()
        self.refused += 1
        if self.refused % 2 == 0:
            call()
        raise DatabaseError(refusal_text(self.code), code=self.code)


class _RefusingClient:
    def __init__(self, store: RefusingStore, client: Client) -> None:
        self.__dict__.update(_store=store, _client=client)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in NO_STATEMENTS:
            return found
        assert name in STATEMENTS, f"{name} would never be refused: say whether it is a statement"

        def call(*given: Any, **named: Any) -> Any:
            return self._store.answer(f"{name} {given} {named}", lambda: found(*given, **named))

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._client, name, value)
