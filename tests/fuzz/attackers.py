"""The attackers: a process of lower priority than its target, with a few threads for each lane of families."""

import multiprocessing
import os
import queue
import random
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.case import Case
from tests.fuzz.exchange import Address, Answered, Reply, send
from tests.fuzz.families import BY_NAME, Family, case_of
from tests.fuzz.response_checks import Fault, faults_of

NICE = 10
LIMIT_S = 90.0  # of one case; after that it counts as unanswered
LONG_S = 0.2  # findings about slow responses name cases that took this long
REPORT_EVERY_S = 0.5
KINDS = ("2xx", "3xx", "4xx", "503", "5xx", "none")  # of responses


class Lane(NamedTuple):
    """A group of families; all its threads send at most ``rate`` cases a second.

    After each case a thread pauses for ``rest`` times the case's duration.
    """

    threads: int
    rate: float
    rest: float = 0.0


LANES = {
    "quick": Lane(4, 500.0),
    "wire": Lane(3, 40.0),
    "heavy": Lane(1, 1.0, 0.5),
    "costly": Lane(1, 0.5, 1.0),
    "slow": Lane(1, 0.3),
}


class Plan(NamedTuple):
    """The target, the seed and the families. ``first`` is the number of the first case of each family."""

    address: Address
    seed: int
    families: tuple[str, ...]
    setup: AttackSetup
    late_s: float
    first: int = 0


class Tally(NamedTuple):
    """The outcomes of a family's cases since the last report; responses are counted by kind."""

    family: str
    cases: int
    responses: Counter[str]
    slowest_s: float


class Seen(NamedTuple):
    """A fault, and the case that caused it."""

    family: str
    number: int
    fault: Fault


class Long(NamedTuple):
    """A case that took long; times as of `time.monotonic`, which all processes share."""

    family: str
    number: int
    name: str
    began: float
    ended: float


class Promised(NamedTuple):
    """Offsets of partition 0 that a 2xx promised."""

    offsets: bytes  # the bytes of an array of unsigned 64-bit numbers


Report = Tally | Seen | Long | Promised


def attack(plan: Plan, stop: Event, tell: "multiprocessing.Queue[Report]") -> None:
    """Attack until ``stop`` is set; the main function of the attackers' process."""
    os.nice(NICE)
    attackers = Attackers(plan, tell.put)
    attackers.start()
    while not stop.wait(REPORT_EVERY_S):
        attackers.report()
    attackers.finish()


class Attackers:
    """All lanes at work; ``tell`` receives their findings, in the thread that found them."""

    def __init__(self, plan: Plan, tell: Callable[[Report], None]) -> None:
        self._plan, self._tell = plan, tell
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._numbers = {name: count(plan.first) for name in plan.families}
        self._tallies: dict[str, Tally] = {}
        self._offsets: array[int] = array("Q")
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start all threads."""
        self._threads = [threading.Thread(target=self._work, args=lane, daemon=True) for lane in self._lanes()]
        for thread in self._threads:
            thread.start()

    def report(self) -> None:
        """Report what has happened since the last report."""
        with self._lock:
            tallies, self._tallies = self._tallies, {}
        for tally in tallies.values():
            self._tell(tally)

    def finish(self) -> None:
        """Wait for the running cases, then report the rest."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.report()
        self._tell(Promised(self._offsets.tobytes()))

    def try_one(self, family: str, number: int) -> None:
        """Send one case, check its responses, and count it."""
        case = case_of(self._plan.seed, family, number, self._plan.setup)
        began = time.monotonic()
        for answered in _sent(case, self._plan.address):
            self._judge(family, number, case, answered)
        ended = time.monotonic()
        if ended - began > LONG_S:
            self._tell(Long(family, number, case.name, began, ended))

    def _lanes(self) -> Iterator[tuple[Lane, Sequence[Family], int]]:
        for name, lane in LANES.items():
            families = [BY_NAME[family] for family in self._plan.families if BY_NAME[family].lane == name]
            if families:
                yield from ((lane, families, n) for n in range(lane.threads))

    def _work(self, lane: Lane, families: Sequence[Family], thread: int) -> None:
        chance = random.Random(f"{self._plan.seed}/{self._plan.first}/{families[0].lane}/{thread}")
        first = families[thread :: lane.threads]
        for turn, family in enumerate(_turns(first, families, chance)):
            if self._over.is_set() and turn >= len(first):
                break
            began = time.monotonic()
            self.try_one(family.name, next(self._numbers[family.name]))
            took = time.monotonic() - began
            self._over.wait(max(lane.threads / lane.rate - took, lane.rest * took, 0.0))

    def _judge(self, family: str, number: int, case: Case, answered: Answered) -> None:
        for fault in faults_of(case, answered, self._plan.late_s):
            self._tell(Seen(family, number, fault))
        responses = Counter(_kind_of(reply.status) for reply in answered.replies) or Counter(("none",))
        with self._lock:
            old = self._tallies.get(family, Tally(family, 0, Counter(), 0.0))
            slowest = max(old.slowest_s, answered.took_s if case.is_whole else 0.0)
            self._tallies[family] = Tally(family, old.cases + 1, old.responses + responses, slowest)
            self._offsets.extend(offset for reply in answered.replies for offset in offsets_of(reply))


def _kind_of(status: int) -> str:
    return "503" if status == 503 else f"{status // 100}xx"


def offsets_of(reply: Reply) -> list[int]:
    """Return the offsets in partition 0 that a 2xx to a write promises."""
    if not 200 <= reply.status < 300:
        return []
    positions = reply.headers.get("x-log-position", "").split(",")
    return [
        int(offset) for partition, _, offset in (text.strip().partition(":") for text in positions) if partition == "0"
    ]


def _turns(first: Sequence[Family], families: Sequence[Family], chance: random.Random) -> Iterator[Family]:
    """Yield each of ``first`` once, even if time is over by then; then draw from all by their shares, without end."""
    yield from chance.sample(first, len(first))
    while True:
        yield from chance.choices(families, [family.share for family in families])


def _sent(case: Case, address: Address) -> list[Answered]:
    with ThreadPoolExecutor(case.copies) as pool:
        return list(pool.map(lambda _: send(address, case, LIMIT_S), range(case.copies)))


class AttackersProcess:
    """Run ``attack`` in a process; `reports` and `stop` return what it reports."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop: Any = context.Event()
        self._queue: Any = context.Queue()
        self._process = context.Process(target=attack, args=(plan, self._stop, self._queue), daemon=True)
        self._process.start()

    def reports(self, within_s: float) -> Iterator[Report]:
        """Yield its reports of the next ``within_s``."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                yield self._queue.get(timeout=left)
            except queue.Empty:
                return

    def stop(self) -> Iterator[Report]:
        """Stop the process and yield its remaining reports.

        Raises:
            AssertionError: it died, or does not end.
        """
        self._stop.set()
        deadline = time.monotonic() + 6 * LIMIT_S  # each costly family once, at most
        while time.monotonic() < deadline:
            for report in self.reports(0.5):
                yield report
                if isinstance(report, Promised):
                    self._process.join()
                    return
            assert self._process.is_alive(), "the attackers' process died"
        raise AssertionError("the attackers' process does not end")

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
