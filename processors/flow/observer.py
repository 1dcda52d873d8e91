"""What a pipeline reports while it works: to the watchdog, to the metrics and to `progress`."""

from processors.plan import Plan


class Observer:
    """Does nothing; subclasses override the reports that they need. All are made in the pipeline's event loop."""

    def alive(self) -> None:
        """Note a sign of life: a call was answered, or is retried for a known reason."""

    def step_done(self, step: str, seconds: float) -> None:
        """Note that a step of a batch (``fold``, or a write) took ``seconds``, including the wait for the store."""

    def batch_written(self, plan: Plan, records: int) -> None:
        """Note that a batch of ``records`` records is in the tables."""

    def marks_written(self) -> None:
        """Note that readers may see more: what they go by, `progress` or the marks of the rollups, was written."""


class Observers(Observer):
    """Passes every report on, in the order in which the observers were added."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = list(observers)

    def add(self, *observers: Observer) -> None:
        """Add observers that themselves need the pipeline."""
        self._observers += observers

    def alive(self) -> None:
        for observer in self._observers:
            observer.alive()

    def step_done(self, step: str, seconds: float) -> None:
        for observer in self._observers:
            observer.step_done(step, seconds)

    def batch_written(self, plan: Plan, records: int) -> None:
        for observer in self._observers:
            observer.batch_written(plan, records)

    def marks_written(self) -> None:
        for observer in self._observers:
            observer.marks_written()
