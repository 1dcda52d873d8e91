"""`python -m tests.chaos --mode stack --minutes 10 --seed 7`: inject faults, print the differences; exit 0 or 1."""

import logging
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from tests.chaos.faults import Fault, faults_of
from tests.chaos.targets import Embedded, Proxied, Target
from tests.support.clients.agents import GIVE_UP_S, Client, GaveUp
from tests.support.clients.journal import Journal
from tests.support.oracles.checker import Checker, Differences, described, nothing_left
from tests.support.rigs.installation import eventually_ok
from tests.support.rigs.operator import Operator
from tests.support.rigs.supervised import is_alive

ORGS = ("acme", "globex")
NEW = "g2"
# Between faults. A stack keeps working while one part of it is broken. A single process works only between faults, so
# its pauses and its rate are larger.
PAUSES_S = {"stack": (0.1, 0.7), "embedded": (0.2, 1.4)}
RATES = {"stack": 3_000.0, "embedded": 10_000.0}
REPLAY_AFTER = 0.2  # share of the time: all that is written before and after is projected again under faults
REPLAY_S = 600.0  # the longest that it may take after all faults have ended
console = Console(highlight=False)


class Run:
    """One run: clients that write, faults, and the differences found at the end."""

    def __init__(self, target: Target, seed: int, minutes: float, clients: int, rate: float) -> None:
        self._target, self._seconds, self._rate = target, minutes * 60, rate / clients
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self.journal, self.struck = Journal(), Counter[str]()
        self.failed: list[str] = []
        self.replay: dict[str, Any] | None = None
        self._threads = [
            threading.Thread(target=self._work, args=(ORGS[n % len(ORGS)], seed * 1000 + n)) for n in range(clients)
        ]

    def strike_until_over(self) -> None:
        """Inject faults one after the other until the time is up; then end all faults and let the clients finish."""
        for thread in self._threads:
            thread.start()
        faults = (*faults_of(self._target), Fault("erasure", self._erase))
        begun = time.monotonic()
        with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as progress:
            bar = progress.add_task("", total=self._seconds)
            while (elapsed := time.monotonic() - begun) < self._seconds and not self.failed:
                progress.update(bar, completed=elapsed, description=self._progress())
                if self.replay is None and elapsed > REPLAY_AFTER * self._seconds:
                    self.replay = Operator(self._target).request("replay", NEW)
                self._strike(self._chance.choices(faults, [fault.weight for fault in faults])[0])
                time.sleep(self._chance.uniform(*PAUSES_S[self._target.mode]))
        self._target.heal()
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _strike(self, fault: Fault) -> None:
        self.struck[fault.name] += 1
        fault.strike(self._target, self._chance)

    def _erase(self, target: Target, chance: random.Random) -> None:
        """Erase a session, which a client may be writing, through the network that other faults break."""
        sessions = [*self.journal.sessions.items()]  # other threads add to them
        if left := [(session_id, sent) for session_id, sent in sessions if not sent.is_erased]:
            session_id, sent = chance.choice(left)
            sent.is_erased = True
            request = {"subject": {"kind": "session", "session_id": session_id}}
            with target.through_proxy(sent.org, "admin") as http:
                headers = {"Idempotency-Key": session_id}
                eventually_ok(http, "POST", f"/api/v1/{sent.org}/erasures", GIVE_UP_S, json=request, headers=headers)

    def _work(self, org: str, seed: int) -> None:
        try:
            Client(self._target.through_proxy, self.journal, org, seed, self._rate).run(self._stop)
        except (GaveUp, AssertionError) as error:
            self.failed.append(str(error))

    def _progress(self) -> str:
        return f"{sum(self.struck.values())} faults of {len(self.struck)} kinds, {self.journal.events:,} events"


@click.command()
@click.option("--mode", type=click.Choice(["stack", "embedded"]), default="stack", show_default=True)
@click.option("--minutes", type=float, default=10.0, show_default=True, help="Duration of the faults.")
@click.option("--seed", type=int, help="The same seed draws the same faults and events; by default a new one.")
@click.option("--clients", type=int, default=4, show_default=True, help="Clients that write at the same time.")
@click.option(
    "--rate",
    type=float,
    help="Largest number of events a second, of all clients together; by default 3,000, or 10,000 embedded.",
)
@click.option("--keep", is_flag=True, help="Keep the data folder for inspection.")
def main(mode: str, minutes: float, seed: int | None, clients: int, rate: float | None, keep: bool) -> None:
    """Break a working installation in every way, then compare every number with what was sent."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # unreachable brokers are expected here
    seed = random.SystemRandom().randrange(1 << 20) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    console.print(f"seed {seed}, {mode}, {minutes:g} minutes, data in {folder}")
    target = Embedded(folder) if mode == "embedded" else Proxied(folder)
    try:
        wrong = _run(target, Run(target, seed, minutes, clients, rate or RATES[mode]))
    finally:
        target.end()
    if not (keep or wrong):
        shutil.rmtree(folder)
    sys.exit(1 if wrong else 0)


def _run(target: Target, run: Run) -> bool:
    target.start()
    run.strike_until_over()
    console.print("healed; checking every number")
    begun = time.monotonic()
    found = Checker(target, run.journal).check()
    if run.replay is not None:
        console.print("proving the replay, and checking every number that it made")
        found |= _replayed(target, run.replay, run.journal)
    if run.failed:
        found["clients"] = run.failed
    pids = target.pids()
    code = target.stop()
    if code != 0:
        found["end"] = [f"SIGTERM ended it with exit code {code}"]
    if left := nothing_left(target, pids, is_alive):
        found["I9"] = [*found.get("I9", []), *left]
    for name, count in sorted(run.struck.items()):
        console.print(f"  {count:4} {name}")
    console.print(f"faults: {run.struck.total()} of {len(run.struck)} kinds; {run.journal.summary()}")
    console.print(f"checked in {time.monotonic() - begun:.0f} s: {described(found)}")
    return bool(found)


def _replayed(target: Target, replay: dict[str, Any], journal: Journal) -> Differences:
    """Wait for the replay, prove it, switch to it, and check everything again."""
    operator = Operator(target)
    operator.follow(replay, REPLAY_S)
    operator.do("prove", NEW, REPLAY_S)
    if not (proof := operator.proof(NEW))["equal"]:
        return {"replay": proof["words"]}
    operator.do("switch", NEW)
    return {f"{name} after the switch": some for name, some in Checker(target, journal).check().items()}


if __name__ == "__main__":
    main()
