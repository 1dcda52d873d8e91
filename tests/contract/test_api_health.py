"""``/livez``, ``/readyz`` and ``/metrics`` of a running installation, also while one of its processes is stopped."""

import json
import re
import signal
from typing import Any

import httpx
import pytest

from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

PARTS = {"kafka": "log", "store-server": "store"}  # a process of the stack, and the part that is unavailable without it
RETURNS_S = 60


def ask(installation: Installation, path: str) -> httpx.Response:
    """Send a GET without a credential."""
    return httpx.get(f"{installation.url}{path}", timeout=20, trust_env=False)


def test_what_is_well_says_so(installation: Installation) -> None:
    """A healthy installation is alive and ready, and names each part."""
    assert ask(installation, "/livez").json() == {"status": "ok"}
    assert ask(installation, "/readyz").json() == {"status": "ok", "log": "ok", "store": "ok"}


@pytest.mark.only_on("stack")  # log and store of `up` live in its own process
@pytest.mark.parametrize("process", PARTS)
def test_a_stopped_part_is_named(installation: Installation, process: str) -> None:
    """The process stays alive; `/readyz` returns 503 and names the part."""
    installation.send(process, signal.SIGSTOP)
    try:
        refused = eventually(lambda: (reply := ask(installation, "/readyz")).status_code == 503 and reply, within_s=30)
        alive = ask(installation, "/livez")
    finally:
        installation.send(process, signal.SIGCONT)
    eventually(lambda: ask(installation, "/readyz").status_code == 200, within_s=RETURNS_S)

    body: dict[str, Any] = refused.json()
    assert (body["code"], body["details"]) == ("not_ready", {PARTS[process]: ["is away"]})
    assert refused.headers["retry-after"] == "1"
    assert alive.status_code == 200


def test_metrics_tell_what_was_written_and_projected(installation: Installation, fresh_org: str) -> None:
    """The process that accepts an event counts it, and so does the one that projects it (on `up`, the same process)."""
    with installation.client(org=fresh_org) as client:
        session = client.post(f"/api/v1/{fresh_org}/sessions", json={}).json()["data"]["id"]
        event = {"event_type": "Stop", "timestamp": "2026-01-20T10:30:00Z", "data": {}}
        path = f"/api/v1/{fresh_org}/observability/sessions/{session}/events"
        assert client.post(path, json={"events": [event]}).status_code == 202

    assert _sum(ask(installation, "/metrics").text, "crewkit_ingest_events_accepted_total") >= 1
    urls = [f"{installation.url}/metrics"]
    if installation.kind == "stack":
        ports = json.loads((installation.data / "run" / "stack.json").read_text())["metrics"]["g1"]
        urls = [f"http://127.0.0.1:{port}/metrics" for port in ports]

    def projected() -> bool:
        texts = [httpx.get(url, timeout=20, trust_env=False).text for url in urls]
        return sum(_sum(text, "crewkit_projector_facts_total") for text in texts) >= 2 and all(
            "crewkit_projector_lag_records" in text for text in texts
        )

    eventually(projected, within_s=RETURNS_S)


def _sum(text: str, name: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
