"""Faults of the production layout: real Kafka, real Faust workers, the store server, and the networks between them."""

import contextlib
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml

from devstack.stack import keeper_port, metrics_ports
from tests.chaos.faults import STACK
from tests.chaos.targets import Proxied
from tests.faults.shared_installation import load_of, running
from tests.support.alerts import ALERTS, rules_of, selectors
from tests.support.clients.agents import Client
from tests.support.clients.journal import Journal
from tests.support.clients.load import Load
from tests.support.clients.otlp import claude_record, logs
from tests.support.clients.poison import poison
from tests.support.fakes.store_refusals import PASSING
from tests.support.grafana import dashboard, prometheus_text, queries
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import ORG, eventually_ok
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.prometheus import Prometheus
from tests.support.rigs.supervised import is_alive
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
SERVICES = {"kafka", "store-server", "serve", "keeper", "projector-0", "projector-1"}
FAULTS = {fault.name: fault for fault in STACK}
NETWORK = ("cut", "refuse", "half open", "reply lost")
SEED = random.randrange(1 << 20)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Start one stack for this module; each test leaves it healthy, and no process is left at the end."""
    need_jars()
    target = Proxied(tmp_path_factory.mktemp("stack"))
    revoked = target.data / "revoked.txt"
    revoked.touch(0o600)
    target.environment["REVOKED_FILE"] = str(revoked)
    with running(target) as installation:
        yield installation


@pytest.fixture
def prometheus(stack: Proxied, tmp_path: Path) -> Iterator[Prometheus]:
    """Scrape the processes of the stack, and evaluate the shipped alerts."""
    targets = {
        "crewkit-serve": [stack.port],
        "crewkit-processors": list(metrics_ports(stack.data, "g1")),
        "crewkit-keeper": [keeper_port(stack.data)],
    }
    started = Prometheus(tmp_path, targets, yaml.safe_load(ALERTS.read_text()))
    try:
        yield started.start()
    finally:
        started.end()


@pytest.fixture
def load(stack: Proxied, request: pytest.FixtureRequest) -> Load:
    """Return clients in two orgs that only this test uses."""
    return load_of(request, stack, SEED)


def test_each_service_has_one_process_and_its_pid_file(stack: Proxied) -> None:
    """Each pid file names a live process, and none names the supervisor."""
    pids = stack.pids()

    assert set(pids) == SERVICES
    assert len(set(pids.values())) == len(SERVICES)
    assert stack.process is not None
    assert stack.process.pid not in pids.values()
    assert all(Path(f"/proc/{pid}").exists() for pid in pids.values())


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("projector-0: kill -9", "projector-1: kill -9"), id="projectors", marks=pytest.mark.fault(row=2)),
        pytest.param(("serve: kill -9", "store-server: kill -9"), id="store, reads", marks=pytest.mark.fault(row=3)),
        pytest.param(("kafka: kill -9", "kafka: SIGSTOP"), id="broker", marks=pytest.mark.fault(row=5)),
        *(
            pytest.param([f"{end}: {how}" for how in NETWORK], id=f"network of {end}", marks=pytest.mark.fault(row=8))
            for end in ("kafka", "store", "clients")
        ),
    ],
)
def test_under_load_no_number_is_wrong_afterwards(stack: Proxied, load: Load, names: tuple[str, ...]) -> None:
    """After a fault under load, writes continue, the lag returns to 0, and everything is stored exactly once."""
    chance = random.Random(SEED)
    with load:
        load.more()
        for name in names:
            FAULTS[name].strike(stack, chance)
            load.more()

    assert Checker(stack, load.journal).check() == {}


@pytest.mark.fault(row=5)
def test_while_the_broker_hangs_writes_get_503_within_9_s_and_recover_by_themselves(stack: Proxied) -> None:
    """A write is refused with Retry-After while the broker does not respond; the same request succeeds afterwards."""
    client = stack.client()
    body = {"agent_name": "broker-away"}
    stack.send("kafka", signal.SIGSTOP)
    try:
        begun = time.monotonic()
        reply = client.post(f"/api/v1/{ORG}/sessions", json=body, headers={"Idempotency-Key": "broker-away"})
        took_s = time.monotonic() - begun
    finally:
        stack.send("kafka", signal.SIGCONT)

    again = eventually_ok(
        client, "POST", f"/api/v1/{ORG}/sessions", json=body, headers={"Idempotency-Key": "broker-away"}
    )

    assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json()["code"] == "log_unavailable"
    assert took_s < 9
    read = eventually_ok(
        client,
        "GET",
        f"/api/v1/{ORG}/sessions/{again.json()['data']['id']}",
        headers={"X-Wait-For-Position": again.headers["X-Log-Position"]},
    )
    assert read.json()["data"]["agent_name"] == "broker-away"


@pytest.mark.fault(row=9)
@pytest.mark.fault(row=10)
def test_a_store_that_refuses_or_is_slow_holds_up_reads_alone(stack: Proxied, load: Load) -> None:
    """Too many parts, no memory, no space, read-only: writes are accepted, no process ends, the backlog drains."""
    store, pids = stack.proxies["store"], stack.pids()
    client = stack.client(timeout=30)
    with load:
        for code in PASSING:
            stack.refusals.everything(code)
            load.more()
            read = client.get(f"/api/v1/{ORG}/sessions")
            assert (read.status_code, read.json()["code"]) == (httpx.codes.SERVICE_UNAVAILABLE, "store_unavailable")
            assert read.headers["Retry-After"]
            stack.refusals.end()
        store.delay(0.5)
        load.more(1_000)
        store.heal()

    assert Checker(stack, load.journal).check() == {}
    assert stack.pids() == pids


@pytest.mark.fault(row=25)
@pytest.mark.parametrize("count", [25, pytest.param(150, marks=pytest.mark.part("volume", instead=True))])
def test_many_orgs_that_write_at_once_are_projected(stack: Proxied, count: int) -> None:
    """With org names of 60 letters, no process ends, and every number of every org is right."""
    pids, journal, never = stack.pids(), Journal(), threading.Event()
    orgs = [f"org-{SEED}-{count}-{n:03}-".ljust(60, "x") for n in range(count)]

    def work(org: str) -> None:
        Client(stack.through_proxy, journal, org, SEED).session(never, events=1)

    with ThreadPoolExecutor(len(orgs)) as at_once:
        list(at_once.map(work, orgs))

    assert len(journal.sessions) == len(orgs)
    assert Checker(stack, journal).check() == {}
    assert stack.pids() == pids


@pytest.mark.fault(row=3)
@pytest.mark.fault(row=9)
def test_while_the_store_stands_still_writes_are_accepted_and_reads_get_503(stack: Proxied) -> None:
    """The write side needs no store; accepted records become visible once the store is back."""
    client = stack.client(timeout=30)
    stack.send("store-server", signal.SIGSTOP)
    try:
        written = client.post(f"/api/v1/{ORG}/sessions", json={"agent_name": "store-away"})
        read = client.get(f"/api/v1/{ORG}/sessions")
    finally:
        stack.send("store-server", signal.SIGCONT)

    seen = eventually_ok(
        client,
        "GET",
        f"/api/v1/{ORG}/sessions?agent_name=store-away",
        headers={"X-Wait-For-Position": written.headers["X-Log-Position"]},
    )

    assert written.status_code == httpx.codes.CREATED
    assert read.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert read.headers["Retry-After"]
    assert read.json()["code"] == "store_unavailable"
    assert [session["id"] for session in seen.json()["data"]] == [written.json()["data"]["id"]]


@pytest.mark.fault(row=15)
def test_poison_in_the_topic_is_set_aside_under_load(stack: Proxied, load: Load) -> None:
    """Each invalid record becomes a dead letter, its neighbours count, and a misplaced record can be redriven."""
    operator, path = stack.client("operator", "operator", timeout=60), "/api/v1/operator/dead-letters"
    before = eventually_ok(operator, "GET", path).json()["meta"]["total_count"]
    with load:
        load.more()
        sent = poison(stack.kafka_address, stack.security, random.Random(SEED))
        load.more()

    assert Checker(stack, load.journal).check() == {}
    found = eventually_ok(operator, "GET", path, params={"per_page": sent}).json()
    assert found["meta"]["total_count"] == before + sent
    (elsewhere,) = [letter for letter in found["data"] if "does not belong to partition" in letter["reason"]]
    redriven = eventually_ok(operator, "POST", f"{path}/{elsewhere['position']}/redrive", json={})
    position = redriven.json()["data"]["redriven_to"]
    client, headers = stack.client(org="poison"), {"X-Wait-For-Position": position}
    receipt = eventually_ok(client, "GET", f"/api/v1/poison/ops/receipts/{position}", headers=headers)
    assert receipt.json()["data"]["outcome"] == "projected"


def test_every_selector_of_the_alerts_and_of_the_dashboard_matches_a_series(
    stack: Proxied, prometheus: Prometheus
) -> None:
    """An alert on a missing name or label would never fire, and a panel would stay empty."""
    _provoke_rare_series(stack)
    expressions = [rule["expr"] for rule in rules_of(ALERTS)]
    expressions += [prometheus_text(query.text) for query in queries(dashboard("operators"))]
    missing = {selector for expression in expressions for selector in selectors(expression)}

    def all_match() -> bool:
        missing.difference_update([selector for selector in missing if prometheus.has(selector)])
        return not missing

    with contextlib.suppress(AssertionError):
        eventually(all_match, within_s=120)
    assert missing == set()
    assert prometheus.faulty_rules() == {}


def _provoke_rare_series(stack: Proxied) -> None:
    """Create series that appear only after an event: a redaction, an odd price, a read, refusals and failures."""
    path = f"/api/v1/{ORG}/sessions"
    with stack.client(timeout=30) as http:
        session = http.post(path, json={"title": f"ghp_{'a1B2' * 9}"}).json()["data"]["id"]
        http.post(f"/api/v1/{ORG}/observability/sessions/{session}/events", json={"events": [{"event_type": "x"}]})
        dear = claude_record("api_request", model="claude-opus-4-5", request_id="r1", output_tokens=5, cost_usd=9)
        http.post(f"/api/v1/{ORG}/otlp/v1/logs", json=logs([dear])).raise_for_status()
        http.get(path).raise_for_status()
        for method, proxy in (("GET", "store"), ("POST", "kafka")):
            stack.proxies[proxy].refuse()
            eventually(lambda method=method: http.request(method, path, json={}).status_code == 503, within_s=60)  # type: ignore[misc]
            stack.proxies[proxy].heal()


@pytest.mark.fault(row=22)
def test_sigterm_to_any_process_under_load_breaks_no_promise(stack: Proxied, load: Load) -> None:
    """Each process ends within 20 s with exit code 0 (the JVM with 143), and is restarted."""
    out = stack.data / "stack.out"
    before = len(out.read_text())
    with load:
        load.more()
        for name in sorted(SERVICES):
            pid = stack.pids()[name]
            stack.send(name, signal.SIGTERM)
            eventually(lambda pid=pid: not is_alive(pid), within_s=20)  # type: ignore[misc]
            eventually(lambda name=name, pid=pid: stack.pids().get(name, pid) != pid, within_s=40)  # type: ignore[misc]
            load.more()

    assert Checker(stack, load.journal).check() == {}
    endings = re.findall(r"^(\S+) ended \((.+?)\)", out.read_text()[before:], re.MULTILINE)
    # Check only the first of each: a projector that starts before the store is ready exits with 69.
    crashes = (stack.data / "log" / "store-server.log").read_text()[-4_000:]  # a crashed library prints its location
    assert dict(reversed(endings)) == dict.fromkeys(SERVICES, "exit code 0") | {"kafka": "exit code 143"}, crashes
