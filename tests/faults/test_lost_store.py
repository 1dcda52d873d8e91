"""The whole store is lost: one command restores it from the log, with the loaded prices."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings.stack_folder import stack_store_url
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.store_contents import contents, of_folder
from tests.support.rigs.worked import SESSIONS, is_complete, work
from tests.support.waiting import eventually

PRICE = """
[[price]]
model = "{model}"
from = {since}
input = {dollars}
output = 2
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Installation]:
    """Provide the embedded default, not started."""
    yield from _ending(Installation("up", tmp_path / "up"))


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Installation]:
    """Provide the production shape, not started."""
    need_jars()
    yield from _ending(Installation("stack", tmp_path / "stack"))


def _ending(installation: Installation) -> Iterator[Installation]:
    try:
        yield installation
    finally:
        installation.end()


def _load(installation: Installation, file: Path, model: str, since: str, dollars: int) -> None:
    file.write_text(PRICE.format(model=model, since=since, dollars=dollars))
    done = installation.command("prices", "load", str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("prices: 1 loaded, 0 known already\n")


def _in_two_hours() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7_200))


def test_up_makes_a_lost_store_again(up: Installation, tmp_path: Path) -> None:
    """After its folder is deleted, the next start restores equal facts, sessions, rollups, receipts, prices, costs."""
    file = tmp_path / "prices.toml"
    _load(up, file, "mine", "2025-01-01", 7)  # before the first start: this installation has no other list
    up.start()
    work(up, model="mine")
    up.stop()
    _load(up, file, "mine", _in_two_hours(), 9)
    up.start()
    eventually(lambda: is_complete(up), within_s=60)
    up.stop()
    before = contents(of_folder(up.data))
    shutil.rmtree(up.data / "store")

    up.start()
    eventually(lambda: is_complete(up, len(before["receipts"])), within_s=60)
    up.stop()

    assert len(before["prices"]) == 2
    assert len(before["sessions"]) == SESSIONS
    assert contents(of_folder(up.data)) == before


@pytest.mark.servers
@pytest.mark.kafka
def test_stack_makes_a_lost_store_again(stack: Installation, tmp_path: Path) -> None:
    """Its folder is lost while it runs: the next start restores everything below the committed offsets."""
    stack.start()
    work(stack, model="claude-sonnet-4-5")
    _load(stack, tmp_path / "prices.toml", "mine", _in_two_hours(), 9)
    eventually(lambda: is_complete(stack), within_s=60)
    url = stack_store_url(stack.data)
    assert url is not None
    before = contents(url)
    (stack.data / "store").rename(tmp_path / "lost")  # its server keeps writing into the lost folder
    stack.stop()

    stack.start()
    eventually(lambda: is_complete(stack, len(before["receipts"])), within_s=120)

    assert any('"mine"' in row for row in before["prices"])
    assert len(before["sessions"]) == SESSIONS
    assert contents(url) == before
