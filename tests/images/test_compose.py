"""The whole installation of `deploy/compose.yaml`: its proxy, its isolation, and the ends of its containers."""

import json
import time
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.images.building import attempt, docker
from tests.images.composed import OWN, Composed
from tests.support.clients.load import Load
from tests.support.oracles.checker import Checker, described
from tests.support.rigs.operator import Operator
from tests.support.waiting import eventually

STOP_S = 30.0
_numbers = count(1)


def check(composed: Composed, load: Load) -> None:
    """Compare everything with what the clients were promised; the containers' logs must not contain a secret."""
    Path(composed.data / "containers.log").write_text(composed.logs())
    found = Checker(composed, load.journal).check()

    assert not found, described(found)


def loaded(composed: Composed) -> Load:
    """Return clients that write through the proxy, into two orgs that no other test uses."""
    number = next(_numbers)
    orgs = (f"acme-{number}", f"globex-{number}")
    return Load(lambda org: composed.client(org=org), orgs, number, rate=300.0)


def test_the_demo_passes(composed: Composed) -> None:
    """The two commands at the beginning of the file lead to numbers that are proved right."""
    done = composed.tool("demo", "--sessions", "20", "--events", "2000")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "every position of the log has its receipt" in done.stdout


@pytest.mark.parametrize("command", ["coverage", "recount", "freshness", "generations"])
def test_the_commands_of_an_operator_find_it(command: str, composed: Composed) -> None:
    """`tools` has the address, the certificate and the key."""
    done = composed.tool(command)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_proxy_routes_by_method(composed: Composed) -> None:
    """Writes reach ingest and reads query-api; an operator's request is a POST for query-api."""
    with composed.client() as client:
        made = client.post("/api/v1/acme/sessions", json={"agent_name": "reviewer"})
        shown = client.get("/api/v1/acme/sessions", headers={"X-Wait-For-Position": made.headers["X-Log-Position"]})
        ended = client.post(f"/api/v1/acme/sessions/{made.json()['data']['id']}/end", json={"outcome": "success"})
    repaired = Operator(composed).do("repair")

    assert [made.status_code, shown.status_code, ended.status_code] == [201, 200, 200]
    assert repaired["state"] == "done"


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/livez"])
def test_health_and_metrics_are_not_outside(path: str, composed: Composed) -> None:
    """Their port is not forwarded, and the API's 404 has its usual form."""
    with composed.client() as client:
        reply = client.get(path)

    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


def test_prometheus_reaches_every_process(composed: Composed) -> None:
    """It scrapes each replica at its own address."""

    def reached() -> dict[str, int]:
        url = f"http://127.0.0.1:{composed.prometheus}/api/v1/targets?state=active"
        targets = httpx.get(url, trust_env=False).json()["data"]["activeTargets"]
        jobs = [target["labels"]["job"] for target in targets if target["health"] == "up"]
        return {job: jobs.count(job) for job in jobs}

    ours = {
        "crewkit-ingest": 2,
        "crewkit-query-api": 2,
        "crewkit-processors": 2,
        "crewkit-audit": 1,
        "crewkit-keeper": 1,
    }
    eventually(lambda: reached() == ours | {"proxy": 1}, within_s=60)


def test_every_container_of_ours_is_sealed(composed: Composed) -> None:
    """A read-only root, an account without rights, no capability, and no way to other networks."""
    internal = {"edge", "log", "store", "limits", "metrics"}
    for service in OWN:
        found = json.loads(docker("inspect", composed.container(service)))[0]
        assert found["HostConfig"]["ReadonlyRootfs"], service
        assert found["Config"]["User"] == "10001:10001", service
        assert found["HostConfig"]["CapDrop"] == ["ALL"], service
        assert {name.removeprefix(f"{composed.project}_") for name in found["NetworkSettings"]["Networks"]} <= internal
        assert not found["HostConfig"]["PortBindings"], service


def test_ports_are_those_of_this_machine_alone(composed: Composed) -> None:
    """No other machine reaches anything."""
    published = composed.compose("ps", "--format", "{{.Publishers}}").stdout

    assert "127.0.0.1" in published
    assert "0.0.0.0" not in published  # noqa: S104 (compared)


@pytest.mark.parametrize("service", OWN)
def test_docker_stop_ends_a_service_with_0(service: str, composed: Composed) -> None:
    """Within its grace period: a killed container may make its clients wait."""
    began = time.monotonic()
    docker("stop", "--time", "60", composed.container(service), timeout=90)
    took_s = time.monotonic() - began
    code = composed.inspect(service, "{{.State.ExitCode}}")
    docker("start", composed.container(service))
    composed.wait_healthy(service)

    assert code == "0"
    assert took_s < STOP_S


@pytest.mark.parametrize("service", [*OWN, "kafka", "clickhouse", "valkey", "proxy"])
def test_docker_kill_breaks_no_promise(service: str, composed: Composed) -> None:
    """Every service is killed under load; Docker restarts it, and everything accepted is there once."""
    with loaded(composed) as load:
        load.more()
        docker("kill", composed.container(service))
        docker("start", composed.container(service))  # Docker does not restart what it killed
        load.more()
    composed.wait_healthy(service)
    check(composed, load)


def test_the_order_of_the_start_does_not_matter(composed: Composed) -> None:
    """Everything also comes up in reverse order: each service waits for what it needs, or is restarted."""
    services = [*OWN, "proxy", "valkey", "clickhouse", "kafka"]
    composed.compose("stop", "--timeout", "60", *services)

    for service in services:
        docker("start", composed.container(service))

    composed.wait_healthy(*services, within_s=240)
    with loaded(composed) as load:
        load.more()
    check(composed, load)


def test_a_second_container_with_the_host_name_of_a_projector_is_noticed(composed: Composed) -> None:
    """One of the two says so, and all numbers stay right meanwhile."""
    with loaded(composed) as load:
        load.more()
        done = composed.compose("run", "--detach", "--name", f"{composed.project}-twin", "projector-1", "processors")
        assert done.returncode == 0, done.stderr
        twins = (f"{composed.project}-twin", composed.container("projector-1"))
        eventually(lambda: any("another projector is the member" in _logs(twin) for twin in twins), within_s=180)
        docker("rm", "--force", twins[0])
        load.more()
    composed.wait_healthy("projector-1")
    check(composed, load)


def _logs(container: str) -> str:
    done = attempt("logs", container)
    return done.stdout + done.stderr
