"""Row 23: a replay under load, crashes of everything in it, the proof, the switch and the way back."""

import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.chaos.targets import Embedded, Proxied, Target
from tests.faults.shared_installation import load_of, running
from tests.support.clients.load import Load
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import ORG, Installation, eventually_ok
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.operator import Operator
from tests.support.waiting import eventually

pytestmark = pytest.mark.fault(row=23)
SEED = random.randrange(1 << 20)
BEFORE = 3_000  # events, before the replay begins
CLIENT_RATE = 250.0  # of each client: every fact is projected twice, and both must keep up on a busy machine
RATE = 300  # events a second: the replay lasts as long as its faults
KILLED = ("projector-g2-0", "projector-0", "store-server", "kafka", "supervisor")
KILLS_OF_UP = 4


@pytest.fixture(scope="module", params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Start an installation for this module."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "stack":
        need_jars()
    with running(Proxied(folder) if request.param == "stack" else Embedded(folder)) as installation:
        yield installation


@pytest.fixture
def load(target: Target, request: pytest.FixtureRequest) -> Load:
    """Return clients in two orgs."""
    return load_of(request, target, SEED, CLIENT_RATE)


@pytest.mark.timeout(600)
def test_a_replay_under_load_that_crashes_answers_as_before_until_the_switch_and_equal_after_it(
    target: Target, load: Load
) -> None:
    """A crashed replay changes no response before the switch; proof, switch and way back lose and double nothing."""
    operator, chance = Operator(target), random.Random(SEED)
    with load:
        load.more(BEFORE)
        replay = operator.request("replay", "g2", rate=RATE)
        names = ["up"] * KILLS_OF_UP if isinstance(target, Embedded) else chance.sample(KILLED, len(KILLED))
        for name in names:
            eventually(lambda: "g2" in operator.generations())
            _kill(target, name)
            load.more(50)
        assert shown_by(target) == "g1"
        operator.follow(replay, within_s=300)

        operator.do("prove", "g2")
        assert operator.proof("g2")["equal"], operator.proof("g2")["words"]
        operator.do("switch", "g2")
        assert _eventually_shown_by(target, "g2")
        load.more(50)
    assert Checker(target, load.journal).check() == {}

    operator.do("switch", "g1")
    assert _eventually_shown_by(target, "g1")
    assert Checker(target, load.journal).check() == {}
    assert operator.generations()["g2"]["state"] == "following"
    operator.do("drop", "g2")
    assert operator.generations()["g2"]["state"] == "dropped"


def _kill(target: Target, name: str) -> None:
    """Kill one process, and wait until it runs again; the supervisor takes all of a stack with it."""
    print(f"kill {name}")
    if name in ("up", "supervisor"):
        target.kill()
        target.start()
        return
    old = eventually(lambda: target.pids().get(name), within_s=60)
    target.send_to(old, signal.SIGKILL)
    eventually(lambda: target.pids().get(name, old) != old, within_s=60)


def shown_by(target: Installation) -> str:
    """Return the generation that a read is answered from."""
    with target.client() as http:
        generation: str = eventually_ok(http, "GET", f"/api/v1/{ORG}/sessions").headers["X-Generation"]
        return generation


def _eventually_shown_by(target: Target, generation: str) -> bool:
    """Return whether readers follow within a second, and a little for the request itself."""
    deadline = time.monotonic() + 1.5
    while (shown := shown_by(target)) != generation and time.monotonic() < deadline:
        time.sleep(0.02)
    return shown == generation
