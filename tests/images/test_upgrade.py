"""A rolling upgrade of every service under load, as `docs/operations.md` describes it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from schemas.permissions import OPERATOR_ORG
from tests.images.building import OURS, attempt, docker
from tests.images.composed import OWN, Composed
from tests.images.test_compose import check
from tests.support.clients.load import Load

NEXT = "crewkit-sessions:tests-next"
EVENTS_PER_S = 2_000.0
LAG_S = 30.0
CLIENTS = [f"org-{number}" for number in range(10)]  # each waits for its reply, so one client would be slower


def test_a_rolling_upgrade_loses_no_request(composed: Composed) -> None:
    """First provision, then each container in turn: no gap, no wrong number, and reads are at most seconds old."""
    _make_next()
    with Load(lambda org: composed.client(org=org), CLIENTS, seed=11, rate=EVENTS_PER_S / len(CLIENTS)) as load:
        load.more(10_000)
        began, before = time.monotonic(), load.journal.events
        with watched(composed) as oldest:
            composed.image = NEXT
            for service in ("provision", *OWN):
                done = composed.compose("up", "--detach", "--no-deps", "--wait", service)
                assert service == "provision" or done.returncode == 0, done.stderr
            load.more(10_000)
        rate = (load.journal.events - before) / (time.monotonic() - began)
    check(composed, load)

    assert {composed.inspect(service, "{{.Config.Image}}") for service in OWN} == {NEXT}
    assert composed.inspect("provision", "{{.State.ExitCode}}") == "0"
    print(f"{rate:.0f} events a second, reads at most {oldest():.1f} s old, {load.journal.summary()}")
    assert oldest() < LAG_S


def _make_next() -> None:
    """Make an image that Compose considers different."""
    made = attempt("commit", "--change", "LABEL next=1", docker("create", OURS, "--version"), NEXT)
    assert made.returncode == 0, made.stderr


@contextmanager
def watched(composed: Composed) -> Iterator[Callable[[], float]]:
    """Watch the freshness all the time; yield a function that returns the greatest age, in seconds."""
    ages, over = [0.0], threading.Event()

    def look() -> None:
        with composed.client("operator", OPERATOR_ORG) as client:
            while not over.wait(0.5):
                try:
                    found = client.get("/api/v1/operator/freshness")
                except httpx.HTTPError:
                    continue
                if found.is_success and (through := found.json()["data"]["complete_through"]):
                    ages.append((datetime.now(UTC) - datetime.fromisoformat(through)).total_seconds())

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield lambda: max(ages)
    finally:
        over.set()
        watching.join()
