"""A store that responds only when the test says so: one call at a time, in any order, from any worker.

`GatedExecutor` replaces the pipeline's threads: a submitted call waits until the test runs it. Without threads,
the same steps always give the same result.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Literal

from processors.warehouse import Bucket, Rows, SessionKey
from schemas.log.records import RecordsErased
from store.broken import Broken
from store.errors import StoreUnavailable
from tests.support.fakes.replicas import ReplicaView
from tests.support.fakes.warehouse import FakeWarehouse

Outcome = Literal["done", "refused", "reply lost", "torn", "broken"]
OUTCOMES: tuple[Outcome, ...] = ("done", "refused", "reply lost", "torn", "broken")


class _InSteps(Exception):
    """A call that other calls may interrupt."""

    def __init__(self, steps: Iterator[None]) -> None:
        self.steps = steps


class GatedWarehouse:
    """One worker's access to the shared store. ``outcome`` is the outcome of the next call."""

    def __init__(self, store: FakeWarehouse | ReplicaView) -> None:
        self._store = store
        self.outcome: Outcome = "done"
        self.calls: list[str] = []

    def insert(self, table: str, rows: Rows) -> None:
        decoded = self._store.decode(table, rows)
        self._say(f"insert {len(decoded)} into {table}")
        if (
            self.outcome == "torn"
            and table != "receipts"
            and not any(getattr(row, "is_erased", False) for row in decoded)
        ):  # a thousand receipts are one block, which is stored completely or not at all; so is a session that moves
            self._store.put(table, decoded[: len(decoded) // 2])
            raise StoreUnavailable
        self._store.put(table, decoded)
        self._answer()

    def refresh_rollups(self, hours: Iterable[Bucket]) -> None:
        self._say("refresh rollups")
        raise _InSteps(self._in_steps(self._store.refreshing(list(hours))))

    def erase(self, partition: int, offset: int, record: RecordsErased) -> None:
        self._say("erase")
        raise _InSteps(self._in_steps(self._writing(self._store.erasing(partition, offset, record))))

    def hide_older(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> None:
        self._say("hide older")
        raise _InSteps(self._in_steps(self._writing(self._store.hiding(partition, offset, sessions))))

    def __getattr__(self, question: str) -> Callable[..., Any]:
        """Return any other method of a warehouse; most of them only read."""

        def ask(*args: Any) -> Any:
            self._say(question)
            result = getattr(self._store, question)(*args)
            self._answer()
            return result

        return ask

    def _writing(self, tables: Iterator[tuple[str, list[Any]]]) -> Iterator[None]:
        """Write the rows of each table in a step of its own, as each has its own statement."""
        for table, rows in tables:
            self._store.put(table, rows)
            yield

    def _in_steps(self, steps: Iterator[None]) -> Iterator[None]:
        for _ in steps:
            yield
            self._answer({"torn": StoreUnavailable, "broken": Broken, "refused": StoreUnavailable})
        self._answer()

    def _say(self, what: str) -> None:
        self.calls.append(what)
        self._answer({"refused": StoreUnavailable, "broken": Broken})

    def _answer(self, failing: dict[str, type[Exception]] | None = None) -> None:
        failing = failing or {"reply lost": StoreUnavailable, "torn": StoreUnavailable}
        if self.outcome in failing:
            raise failing[self.outcome]("the model check says so")


class Call:
    """A call on which a worker waits. After the worker's death it may still reach the store, but gets no response."""

    def __init__(self, function: Callable[[], Any], warehouse: GatedWarehouse, kind: str) -> None:
        self._function, self._warehouse = function, warehouse
        self._steps: Iterator[None] | None = None
        self.kind = kind
        self.future: Future[Any] = Future()
        self.heard = True
        self.ended = False

    @property
    def in_steps(self) -> bool:
        """Return whether the call has begun and other calls may run between its steps."""
        return self._steps is not None

    def run(self, outcome: Outcome) -> str:
        """Continue to the end, or to the next point where other calls may run; return what was done."""
        self._warehouse.outcome, self._warehouse.calls = outcome, []
        try:
            result = self._go_on()
        except StopIteration:
            self._end(lambda: self.future.set_result(None))
        except Exception as error:
            failed = error
            self._end(lambda: self.future.set_exception(failed))
        else:
            if self._steps is None:
                self._end(lambda: self.future.set_result(result))
        self._warehouse.outcome = "done"
        calls = ", ".join(dict.fromkeys(self._warehouse.calls)) or ("goes on" if self._steps else "answered")
        return f"{self.kind}: {calls} → {outcome}"

    def _go_on(self) -> Any:
        if self._steps is None:
            try:
                return self._function()
            except _InSteps as more:
                self._steps = more.steps
        return next(self._steps)

    def _end(self, deliver: Callable[[], None]) -> None:
        self.ended = True
        if self.heard:
            deliver()


class GatedExecutor(Executor):
    """Stores submitted calls in ``calls``."""

    def __init__(self, calls: list[Call], warehouse: GatedWarehouse, kind: str) -> None:
        self._calls, self._warehouse, self._kind = calls, warehouse, kind

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        call = Call(lambda: function(*args, **kwargs), self._warehouse, self._kind)
        self._calls.append(call)
        return call.future
