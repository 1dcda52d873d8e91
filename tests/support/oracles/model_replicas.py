"""The world of the model check with three replicas instead of one store: each worker uses one of them."""

from tests.support.fakes.replicas import COPIES, Replicas, ReplicaView
from tests.support.oracles.model import World
from tests.support.oracles.model_worker import PARTITIONS


class ReplicatedWorld(World):
    """``store`` is the union of the replicas. Every promise about the store is a promise about this union."""

    def __init__(self) -> None:
        super().__init__()
        self.replicas = Replicas(self.store, PARTITIONS)
        self._views: dict[str, ReplicaView] = {}
        self._reader = ReplicaView(self.replicas, COPIES - 1)

    def warehouse(self, worker: str) -> ReplicaView:
        """Return its access to the replica that it used before, at first the first one."""
        return self._views.setdefault(worker, ReplicaView(self.replicas, 0))

    def fail_over(self, worker: str, host: int) -> None:
        """Let a worker use another replica from its next call on; its last call on the previous one got no answer."""
        self.warehouse(worker).use(host)

    def lose(self, host: int) -> None:
        """Lose a replica permanently; an empty one takes its place."""
        self.replicas.lose(host)
        for view in self._views.values():
            if view.host == host:
                view.use((host + 1) % COPIES)
        self.check()

    def read(self, host: int) -> None:
        """Read on any replica, as `store.reading.reader` does: all that the marks claim must be visible there."""
        self._reader.host = host
        marks = self.marks_of(self._reader.copy)
        self._reader.catch_up_all()
        self.check_rollups_of(self._reader.copy, marks)
