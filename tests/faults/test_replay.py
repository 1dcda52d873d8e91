"""Row 23: a replay under load with crashes of everything, the proof, the switch and the way back."""

import random
import signal
import time
from collections.abc import Callable

import pytest

from store.generations import FIRST_GENERATION
from tests.support.clients.load import Load
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import Installation
from tests.support.rigs.operator import Operator, shown_by
from tests.support.waiting import eventually

pytestmark = pytest.mark.fault(row=23)
SEED = random.randrange(1 << 20)
BEFORE = 1_000  # events, as fast as they are accepted, before the replay begins
CLIENT_RATE = 25.0  # then events per second for each of two clients: the replay must gain on them on a busy machine too
# The replay must still run when the first process is killed, and end soon if other tests have filled the log.
RATE_MIN, LASTS_S = 150, 20  # events per second, and seconds
FEW = {"up": ["up"], "stack": ["projector-{new}-0", "store-server"]}
MANY = {
    "up": ["up"] * 4,
    "stack": random.Random(SEED).sample(
        ["projector-{new}-0", "projector-{live}-0", "store-server", "kafka", "supervisor"], 5
    ),
}


@pytest.fixture
def load(upgraded: Installation, fresh_org: str) -> Load:
    """Return clients in two orgs."""
    print(f"seed {SEED}")
    orgs = (f"a-{fresh_org}", f"b-{fresh_org}")
    return Load(lambda org: upgraded.client("member", org, timeout=12), orgs, SEED)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "killed", [FEW, pytest.param(MANY, marks=pytest.mark.part("kills", instead=True))], ids=["few", "many"]
)
def test_a_replay_under_load_that_crashes_answers_as_before_until_the_switch_and_equal_after_it(
    upgraded: Installation, load: Load, killed: dict[str, list[str]]
) -> None:
    """A crashed replay changes no response before the switch; proof and switches lose and double nothing."""
    operator, live = Operator(upgraded), shown_by(upgraded)
    new = operator.next_name()
    with load:
        load.more(BEFORE)
        load.slow_down(CLIENT_RATE)
        rate = max(RATE_MIN, operator.generations()[live]["facts"] // LASTS_S)
        replay = operator.request("replay", new, rate=rate)
        eventually(lambda: _is_filling(operator, new), within_s=60)
        for name in killed[upgraded.kind]:
            _kill(upgraded, name.format(new=new, live=live).replace(f"-{FIRST_GENERATION}-", "-"))
            load.more(50)
        assert shown_by(upgraded) == live
        operator.follow(replay, within_s=300)

        operator.do("prove", new, within_s=300)
        assert operator.proof(new)["equal"], operator.proof(new)["words"]
        operator.do("switch", new)
        assert _within_a_second(lambda: shown_by(upgraded) == new)
        load.more(50)
    assert Checker(upgraded, load.journal).check() == {}

    operator.do("switch", live)
    assert _within_a_second(lambda: shown_by(upgraded) == live)
    assert Checker(upgraded, load.journal).check() == {}
    assert operator.generations()[new]["state"] == "following"
    operator.do("drop", new)
    assert operator.generations()[new]["state"] == "dropped"


def _is_filling(operator: Operator, generation: str) -> bool:
    """Return whether the replay has projected something, but not everything."""
    found = operator.generations().get(generation)
    return found is not None and found["facts"] > 0 and found["state"] == "filling"


def _kill(target: Installation, name: str) -> None:
    """Kill one process, and wait until it runs again; on a stack, the supervisor restarts all processes with it."""
    print(f"kill {name}")
    if name in ("up", "supervisor"):
        target.kill()
        target.start()
        return
    old = eventually(lambda: target.pids().get(name), within_s=60)
    target.send_to(old, signal.SIGKILL)
    eventually(lambda: target.pids().get(name, old) != old, within_s=60)


def _within_a_second(is_true: Callable[[], bool]) -> bool:
    """Return whether that becomes true within a second, plus a little for the request itself."""
    deadline = time.monotonic() + 1.5
    while not (found := is_true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
