"""One run: warm up, rest, attack, rest, and compare the results with every promise."""

import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import httpx

from schemas.permissions import OPERATOR_ORG, Role
from tests.fuzz.attack_setup import PROBE_ORG
from tests.fuzz.attackers import KINDS, AttackersProcess, Long, Plan, Promised, Report, Seen, Tally
from tests.fuzz.families import BY_NAME
from tests.fuzz.findings import Findings
from tests.fuzz.log_watch import LogWatch
from tests.fuzz.memory import AtRest, at_rest, resident_bytes, too_much
from tests.fuzz.probe_client import Answer, ProbeClient
from tests.fuzz.promised_receipts import missing_promises
from tests.fuzz.response_checks import Fault
from tests.fuzz.slow_responses import figures, slow_ones
from tests.support.clients.agents import GaveUp
from tests.support.clients.journal import Journal
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import Installation, eventually_ok

SAY_EVERY_S = 10.0
WARM_UP_SHARE, WARM_UP_S_MAX = 0.25, 60.0
SECOND_PHASE = 1_000_000  # so that its cases have other numbers
NOTHING_WAITS_S = 120.0


class Limits(NamedTuple):
    """Seconds for a response to the probe client, seconds for one to an attacker, bytes of growth at rest."""

    answer_s: float = 1.0
    late_s: float = 9.0  # the API promises a 503 after 8 s
    memory: int = 200 << 20


class Run:
    """An installation under attack and its findings; ``say`` prints a line of progress."""

    def __init__(
        self, installation: Installation, plan: Plan, findings: Findings, limits: Limits, say: Callable[[str], None]
    ) -> None:
        assert installation.process is not None
        self._installation, self._process = installation, installation.process
        self._plan, self._limits, self._say = plan, limits, say
        self.findings, self._journal = findings, Journal()
        self._families: dict[str, dict[str, Any]] = {}
        self._answers: list[Answer] = []
        self._long: list[Long] = []
        self._at_rest: list[AtRest] = []
        self._offsets: array[int] = array("Q")
        self._log = LogWatch(installation.data)
        self._probe = ProbeClient(self._client, self._journal, PROBE_ORG, plan.seed, self._answers.append, self.is_up)

    def is_up(self) -> bool:
        """Return whether the process of the installation still runs."""
        return self._process.poll() is None

    def attack(self, seconds: float) -> None:
        """Warm up without the costly families, rest, attack with all families, rest again."""
        warm_up = min(WARM_UP_SHARE * seconds, WARM_UP_S_MAX)
        usual = tuple(name for name in self._plan.families if BY_NAME[name].lane != "costly")
        self._phase(warm_up, self._plan._replace(families=usual))
        if self._rest():
            self._phase(seconds - warm_up, self._plan._replace(first=SECOND_PHASE))
            self._rest()

    def check(self) -> None:
        """Compare everything with what was promised, then stop the installation."""
        for slow in slow_ones(self._answers, self._limits.answer_s, self._long):
            self.findings.add(slow.fault, slow.family, slow.number)
        if len(self._at_rest) > 1 and (sentence := too_much(self._at_rest[0], self._at_rest[-1], self._limits.memory)):
            self.findings.add(Fault("memory", sentence))
        self._look()
        if not self.is_up():
            said = (self._installation.data / "up.out").read_text(errors="replace")[-1_000:]
            self.findings.add(Fault("died", f"up ended with exit code {self._process.poll()}: {said!r}"))
        else:
            self._check_promises()
            self._stop()

    def figures(self) -> dict[str, Any]:
        """Return everything that was measured and found, for machines."""
        return {
            "seed": self._plan.seed,
            "cases": sum(row["cases"] for row in self._families.values()),
            "families": dict(sorted(self._families.items())),
            "promised": len(self._offsets),
            "client": {**figures(self._answers), "events": self._journal.events},
            "memory_mb": [rest.resident >> 20 for rest in self._at_rest],
            "findings": [finding._asdict() for finding in self.findings.all],
        }

    def _phase(self, seconds: float, plan: Plan) -> None:
        """Run the client and the attackers until the time is over or the service is down."""
        over, deadline = threading.Event(), time.monotonic() + seconds
        client = threading.Thread(target=self._work, args=(over,), daemon=True)
        attackers = AttackersProcess(plan)
        client.start()
        try:
            self._watch(attackers, deadline)
            self._take(attackers.stop())
        finally:
            over.set()
            attackers.kill()
        client.join()

    def _watch(self, attackers: AttackersProcess, deadline: float) -> None:
        said = time.monotonic()
        while time.monotonic() < deadline and self.is_up():
            self._take(attackers.reports(1.0))
            self._look()
            if time.monotonic() - said > SAY_EVERY_S:
                said = time.monotonic()
                self._say(self._progress(deadline - said))

    def _work(self, over: threading.Event) -> None:
        try:
            self._probe.run(over)
        except (GaveUp, AssertionError) as error:
            if self.is_up():
                self.findings.add(Fault("client", str(error)))

    def _take(self, reports: Iterable[Report]) -> None:
        for report in reports:
            if isinstance(report, Tally):
                self._count(report)
            elif isinstance(report, Seen):
                self.findings.add(report.fault, report.family, report.number)
            elif isinstance(report, Long):
                self._long.append(report)
            elif isinstance(report, Promised):
                self._offsets.frombytes(report.offsets)

    def _count(self, new: Tally) -> None:
        row = self._families.setdefault(new.family, dict.fromkeys(("cases", *KINDS, "slowest_s"), 0))
        row["cases"] += new.cases
        row["slowest_s"] = max(row["slowest_s"], round(new.slowest_s, 2))
        for kind, count in new.responses.items():
            row[kind] += count

    def _look(self) -> None:
        for line in self._log.alarms():
            self.findings.add(Fault("log", line))

    def _rest(self) -> bool:
        """Measure the memory once the projector has caught up; return False if it does not."""
        try:
            with self._client(OPERATOR_ORG, "operator") as operator:
                _until_nothing_waits(operator, self.is_up)
                metrics = eventually_ok(operator, "GET", "/metrics").text
            self._at_rest.append(at_rest(self._process.pid, metrics))
        except (AssertionError, httpx.HTTPError, OSError) as error:
            if self.is_up():
                self.findings.add(Fault("stuck", f"it does not come to rest: {error}"))
            return False
        self._say(f"at rest: {self._at_rest[-1].resident >> 20} MB, {self._at_rest[-1].facts:,} facts")
        return True

    def _check_promises(self) -> None:
        try:
            for invariant, some in Checker(self._installation, self._journal).check().items():
                self.findings.add(Fault(f"client {invariant}", f"{len(some)}: {some[:3]}"))
            for fault in missing_promises(self._client, self._offsets, self._plan.seed):
                self.findings.add(fault)
        except (AssertionError, httpx.HTTPError) as error:
            self.findings.add(Fault("stuck", f"what was promised can't be checked: {error!r}"))
        self._look()

    def _stop(self) -> None:
        try:
            code = self._installation.stop()
        except subprocess.TimeoutExpired:
            code = -1
        if code != 0:
            self.findings.add(Fault("end", f"SIGTERM did not end it within 20 s with exit code 0, but {code}"))

    def _client(self, org: str, role: Role = "admin") -> httpx.Client:
        return self._installation.client(role, org, timeout=30)

    def _progress(self, left_s: float) -> str:
        probe = figures(self._answers)
        return (
            f"{max(0.0, left_s):4.0f} s left; {self.figures()['cases']:,} cases; probe client: {probe['answers']:,}"
            f" responses, slowest {probe['slowest_s']:.2f} s; {resident_bytes(self._process.pid) >> 20} MB;"
            f" {self.findings.counts.total()} findings"
        )


def _until_nothing_waits(operator: httpx.Client, is_up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + NOTHING_WAITS_S
    while True:
        assert is_up(), "it has ended"
        reply = eventually_ok(operator, "GET", "/api/v1/operator/freshness", NOTHING_WAITS_S)
        if not (lag := reply.json()["data"]["lag_records"]):
            return
        assert time.monotonic() < deadline, f"{lag} records wait"
        time.sleep(0.5)
