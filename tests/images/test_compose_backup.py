"""A backup of `deploy/compose.yaml`, made and restored with the commands of the documentation."""

import shutil
from pathlib import Path

import pytest

from tests.images.composed import Composed
from tests.support.clients.load import Load
from tests.support.oracles.checker import Checker
from tests.support.pages import all_blocks
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("images")


def printed(command: str) -> str:
    """Return the block on the operations page that contains a command."""
    (found,) = (b.text for b in all_blocks() if b.page == "docs/operations.md" and command in b.text)
    return found


def test_what_clients_were_promised_survives_the_loss_of_every_volume(tmp_path: Path) -> None:
    """All containers and volumes are removed; log and secrets come from two files, the numbers from the log."""
    first, outside = Composed(tmp_path / "first"), tmp_path / "elsewhere"
    outside.mkdir()
    try:
        first.start()
        load = Load(lambda org: first.client(org=org), ("acme", "globex"), 1, rate=300.0)
        with load:
            load.more()
        assert Checker(first, load.journal).check() == {}
        first.lines(printed("run --rm backup\n"), outside)
        first.lines(printed("run --rm backup\n"), outside)  # the next night
    finally:
        first.end()

    assert {file.stat().st_mode & 0o777 for file in outside.iterdir()} == {0o600}
    second = Composed(tmp_path / "second")
    second.project += "-restored"
    try:
        second.lines(printed("log import /data/log"), outside)
        second.fetch_keys()
        # A client may read at once; it sees everything once the projectors have read the log.
        eventually(lambda: Checker(second, load.journal).check() == {}, within_s=120)
        done = second.tool("coverage")
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        second.end()
        shutil.rmtree(outside)  # it contains keys
