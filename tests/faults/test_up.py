"""Faults of the embedded default: its single process is killed, starved and stopped while clients write."""

import contextlib
import random
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from store.fail_points import VARIABLE
from tests.chaos.targets import Embedded
from tests.faults.shared_installation import load_of, running
from tests.support.clients.load import Load
from tests.support.clients.sending import Org, hook
from tests.support.oracles.checker import Checker
from tests.support.rigs.small_disk import MIB, SmallDisk, small_disk
from tests.support.waiting import eventually

SOME_POINTS = ("ingest.sent", "ingest.appended", "projector.wrote_facts", "projector.wrote_receipts")
OTHER_POINTS = (
    *("ingest.before_append", "projector.folded", "projector.wrote_sessions", "projector.wrote_derivations"),
    *("projector.refreshed_rollups", "projector.moved_rollup_marks"),
)
REFUSALS = 50  # each logs a line, which does not fit on the full disk either
__all__ = ["small_disk"]  # a fixture
SEED = random.randrange(1 << 20)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Start one installation for this module; each test leaves it healthy, and no process is left at the end."""
    with running(Embedded(tmp_path_factory.mktemp("up"))) as installation:
        yield installation


@pytest.fixture
def load(up: Embedded, request: pytest.FixtureRequest) -> Load:
    """Return clients in two orgs that only this test uses."""
    return load_of(request, up, SEED)


@pytest.mark.fault(row=1)
@pytest.mark.fault(row=2)
@pytest.mark.parametrize(
    "points",
    [pytest.param(SOME_POINTS, id="some"), pytest.param(OTHER_POINTS, id="others", marks=pytest.mark.part("kills"))],
)
def test_killed_at_each_step_of_ingest_and_of_the_projector(up: Embedded, load: Load, points: tuple[str, ...]) -> None:
    """Killed before the append, around the commit and between writes: after a retry, all is stored once."""
    chance = random.Random(SEED)
    with load:
        load.more()
        up.kill()
        for point in points:
            up.die_at(point, chance.randint(1, 3))
        up.start()
        load.more()

    assert Checker(up, load.journal).check() == {}
    assert load.journal.no_answer > 0


@pytest.mark.fault(row=31)
@pytest.mark.parametrize("point", ["projector.erased", "projector.rolled_up_erasure"])
def test_an_erasure_is_finished_wherever_it_is_killed(up: Embedded, load: Load, point: str) -> None:
    """Killed before its rollups, or before its receipt, it is repeated: nothing shows the session, all else counts."""
    erasing = Org(up, f"erasing-{point.rpartition('.')[2]}")
    with load:
        session, other = erasing.create(title="tangerine"), erasing.create()
        erasing.record(session, hook("UserPromptSubmit", prompt="tangerine"))
        assert erasing.data(f"sessions/{session['id']}")["title"] == "tangerine"
        up.kill()
        up.environment[VARIABLE] = f"{point}:1:kill"
        up.start()
        with contextlib.suppress(httpx.HTTPError):  # it may die before it has answered
            erasing.write("POST", "erasures", {"subject": {"kind": "session", "session_id": session["id"]}})
        assert up.process is not None
        assert up.process.wait(timeout=60) == -signal.SIGKILL
        del up.environment[VARIABLE]
        up.start()
        load.more()

    eventually(lambda: erasing.get(f"sessions/{session['id']}").status_code == 404, within_s=60)
    assert [one["id"] for one in erasing.data("sessions")] == [other["id"]]
    assert erasing.data("sessions/search", q="tangerine") == []
    summary = erasing.data("sessions/analytics/summary", start_date="2026-01-01", end_date="2026-12-31")
    assert summary["total_sessions"] == 1
    assert Checker(up, load.journal).check() == {}


@pytest.mark.fault(row=4)
def test_up_killed_under_load_restarts_with_everything(up: Embedded, load: Load) -> None:
    """Kill -9 at any moment loses nothing; the test prints the time of each start, two seconds on an idle machine."""
    chance = random.Random(SEED)
    took: list[float] = []
    with load:
        for _ in range(2):
            time.sleep(chance.uniform(0, 0.7))  # random moments are the input
            up.kill()
            begun = time.monotonic()
            up.start()
            took.append(time.monotonic() - begun)
            load.more()
    print("reopened after", *(f"{seconds:.1f} s" for seconds in took))

    assert Checker(up, load.journal).check() == {}
    assert load.journal.no_answer > 0


@pytest.mark.fault(row=10)
def test_a_log_that_cannot_grow_is_a_503_until_it_can(up: Embedded, load: Load) -> None:
    """As under a quota, writes are refused until the first free byte."""
    assert up.process is not None
    pid = up.process.pid
    with load:
        load.more()
        for more in (0, 300_000):
            refused = load.journal.replies[503]
            up.disk_limit(pid, more)
            eventually(lambda refused=refused: load.journal.replies[503] > refused, within_s=60)  # type: ignore[misc]
            up.disk_limit(pid, None)
            load.more()

    assert up.process.poll() is None, "it ran on"
    assert Checker(up, load.journal).check() == {}


@pytest.mark.fault(row=10)
def test_a_full_disk_stops_first_the_store_then_the_log_and_passes(small_disk: SmallDisk) -> None:
    """With 200 MiB left only the log accepts writes; with none left, writes are refused; both recover."""
    up = Embedded(small_disk.folder / "up")
    try:
        up.start()
        with Load(up.through_proxy, ("acme", "globex"), SEED) as load:
            load.more()
            small_disk.leave(200 * MIB)
            load.more()
            eventually(lambda: "NOT_ENOUGH_SPACE" in (up.data / "log" / "up.log").read_text(), within_s=60)
            load.more()
            small_disk.leave(0)
            enough = load.journal.replies[503] + REFUSALS
            eventually(lambda: load.journal.replies[503] >= enough, within_s=60)
            small_disk.empty()
            load.more()

        assert up.process is not None
        assert up.process.poll() is None, "it ran on"
        assert Checker(up, load.journal).check() == {}
    finally:
        up.end()


@pytest.mark.fault(row=22)
def test_sigterm_under_load_breaks_no_promise(up: Embedded, load: Load) -> None:
    """It exits with 0 within 20 s, and everything accepted before is there after the next start."""
    with load:
        load.more()
        assert up.stop(limit_s=20) == 0
        up.start()

    assert Checker(up, load.journal).check() == {}
