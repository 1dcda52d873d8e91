"""One installation of each kind for the tests of replays and switches, which run in the order of their files.

`test_counting_rules.py` comes first: it starts the installation in its former version, and upgrades it. If run
separately, the others start the current version. Each drops what it made, and leaves a healthy installation with any
live generation.
"""

from collections.abc import Iterator

import pytest

from devstack.store_server.conditions import DEDUPLICATION_WINDOW
from tests.faults.shared_installation import ended
from tests.support import CHECKOUT
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.opened import UpWithSqlSocket

FORMER = CHECKOUT / "tests" / "support" / "rigs" / "former_fold"


@pytest.fixture(scope="session", params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def unstarted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Make an installation of each kind; its tables drop repeated blocks, like those of a replicated one."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "stack":
        need_jars()
    made = Installation("stack", folder) if request.param == "stack" else UpWithSqlSocket(folder)
    made.environment |= {"PYTHONPATH": str(CHECKOUT), DEDUPLICATION_WINDOW: "1000"}
    with ended(made):
        yield made


@pytest.fixture(scope="session")
def former(unstarted: Installation) -> Installation:
    """Start the former version, for the one test that upgrades it."""
    assert unstarted.process is None, "the present version runs already: this test must be the first"
    unstarted.environment["PYTHONPATH"] = f"{FORMER}:{CHECKOUT}"
    return unstarted.start()


@pytest.fixture(scope="session")
def upgraded(unstarted: Installation) -> Installation:
    """Return the running installation, or start it."""
    return unstarted if unstarted.process else unstarted.start()
