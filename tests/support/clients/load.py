"""Clients that write in the background while something breaks."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

import httpx

from tests.support.clients.agents import Client, GaveUp
from tests.support.clients.background import Background
from tests.support.clients.journal import Journal
from tests.support.waiting import eventually

RATE = 700.0  # events per second and client: requests are always in progress, and the check stays short
EVENTS_PER_SESSION = 1_000


class Load(Background):
    """``with Load(…) as load``: one client per org writes until the end; then all of them finish their sessions."""

    def __init__(
        self, connect: Callable[[str], httpx.Client], orgs: Sequence[str], seed: int, rate: float = RATE
    ) -> None:
        """``connect`` makes an HTTP client for an org, which sends at most ``rate`` events per second."""
        super().__init__()
        self.journal = Journal()
        self.failed: list[str] = []
        self._clients = [Client(connect, self.journal, org, seed + n, rate) for n, org in enumerate(orgs)]
        self._threads = [threading.Thread(target=self._work, args=(client,)) for client in self._clients]

    def more(self, events: int = 300, within_s: float = 90) -> None:
        """Wait until this many more events are accepted: the service works again, or has not failed yet."""
        goal = self.journal.events + events
        eventually(lambda: self.journal.events >= goal or self.failed, within_s=within_s)
        assert not self.failed, self.failed

    def slow_down(self, rate: float) -> None:
        """From now on, let each client send at most this many events per second."""
        for client in self._clients:
            client.slow_down(rate)

    def _work(self, client: Client) -> None:
        try:
            client.run(self._stop, EVENTS_PER_SESSION)
        except (GaveUp, AssertionError) as error:
            self.failed.append(str(error))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        assert kind is not None or not self.failed, self.failed
