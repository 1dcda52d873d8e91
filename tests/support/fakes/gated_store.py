"""A store that answers when it is told to, as it is told to: one call at a time, in any order, from any worker.

`GatedExecutor` stands where the pipeline has its threads. What is submitted waits until somebody runs it; so there are
no threads, and the same steps always do the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Literal

from kernel.broken import Broken
from processors.warehouse import Bucket, Rows
from store.errors import StoreUnavailable
from tests.support.fakes.warehouse import FakeWarehouse

Outcome = Literal["done", "refused", "reply lost", "torn", "broken"]
OUTCOMES: tuple[Outcome, ...] = ("done", "refused", "reply lost", "torn", "broken")


class _InSteps(Exception):
    """A call that others may come between."""

    def __init__(self, steps: Iterator[None]) -> None:
        self.steps = steps


class GatedWarehouse:
    """One worker's way to the shared store. ``outcome`` says how the call goes that is made next."""

    def __init__(self, store: FakeWarehouse) -> None:
        self._store = store
        self.outcome: Outcome = "done"
        self.said: list[str] = []

    def insert(self, table: str, rows: Rows) -> None:
        decoded = self._store.decode(table, rows)
        self._say(f"insert {len(decoded)} into {table}")
        if self.outcome == "torn" and table != "receipts":  # a thousand receipts are one block, which is whole or not
            self._store.put(table, decoded[: len(decoded) // 2])
            raise StoreUnavailable
        self._store.put(table, decoded)
        self._answer()

    def refresh_rollups(self, hours: Iterable[Bucket]) -> None:
        self._say("refresh rollups")
        raise _InSteps(self._refreshing(list(hours)))

    def __getattr__(self, question: str) -> Callable[..., Any]:
        """Whatever else a warehouse can do, most of it reading."""

        def ask(*args: Any) -> Any:
            self._say(question)
            result = getattr(self._store, question)(*args)
            self._answer()
            return result

        return ask

    def _refreshing(self, hours: Sequence[Bucket]) -> Iterator[None]:
        for _ in self._store.refreshing(hours):
            yield
            self._answer({"torn": StoreUnavailable, "broken": Broken, "refused": StoreUnavailable})
        self._answer()

    def _say(self, what: str) -> None:
        self.said.append(what)
        self._answer({"refused": StoreUnavailable, "broken": Broken})

    def _answer(self, failing: dict[str, type[Exception]] | None = None) -> None:
        failing = failing or {"reply lost": StoreUnavailable, "torn": StoreUnavailable}
        if self.outcome in failing:
            raise failing[self.outcome]("the model check says so")


class Call:
    """What a worker waits for. Once its worker is gone it may still reach the store, but nobody hears the answer."""

    def __init__(self, function: Callable[[], Any], warehouse: GatedWarehouse, kind: str) -> None:
        self._function, self._warehouse = function, warehouse
        self._steps: Iterator[None] | None = None
        self.kind = kind
        self.future: Future[Any] = Future()
        self.heard = True
        self.ended = False

    @property
    def in_steps(self) -> bool:
        """It has begun, and others may come between."""
        return self._steps is not None

    def run(self, outcome: Outcome) -> str:
        """Go on, to the end or to the next place where others may come between; what was done."""
        self._warehouse.outcome, self._warehouse.said = outcome, []
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
        said = ", ".join(dict.fromkeys(self._warehouse.said)) or ("goes on" if self._steps else "answered")
        return f"{self.kind}: {said} → {outcome}"

    def _go_on(self) -> Any:
        if self._steps is None:
            try:
                return self._function()
            except _InSteps as more:
                self._steps = more.steps
        return next(self._steps)

    def _end(self, tell: Callable[[], None]) -> None:
        self.ended = True
        if self.heard:
            tell()


class GatedExecutor(Executor):
    """Keeps what is submitted in ``calls``."""

    def __init__(self, calls: list[Call], warehouse: GatedWarehouse, kind: str) -> None:
        self._calls, self._warehouse, self._kind = calls, warehouse, kind

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        call = Call(lambda: function(*args, **kwargs), self._warehouse, self._kind)
        self._calls.append(call)
        return call.future
