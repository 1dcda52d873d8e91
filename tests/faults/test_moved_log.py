"""A log moves from a stack to an `up`: the projected tables stay the same, except for positions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings.stack_folder import stack_store_url
from tests.support.rigs.installation import Installation
from tests.support.rigs.log_commands import copy_secrets
from tests.support.rigs.operator import shown_by
from tests.support.rigs.store import TABLES
from tests.support.rigs.store_contents import contents, of_folder, without_positions
from tests.support.rigs.worked import SESSIONS, is_complete, work
from tests.support.waiting import eventually


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Installation]:
    """Provide an `up` that isn't started."""
    made = Installation("up", tmp_path / "up")
    yield made
    made.end()


@pytest.mark.only_on("stack")
def test_a_moved_log_projects_to_the_same_tables(upgraded: Installation, up: Installation, tmp_path: Path) -> None:
    """Four partitions become one: export, import and projection give equal facts, sessions and rollups."""
    work(upgraded, model="claude-sonnet-4-5")
    eventually(lambda: is_complete(upgraded), within_s=60)
    url = stack_store_url(upgraded.data)
    assert url is not None
    expected = _content(url, shown_by(upgraded))
    copy_secrets(upgraded.data, up.data)

    for installation, command in ((upgraded, "export"), (up, "import")):  # `import` verifies first
        done = installation.command("log", command, str(tmp_path / "export"))
        assert done.returncode == 0, done.stderr
    up.start()
    eventually(lambda: is_complete(up, len(expected["receipts"])), within_s=60)
    up.stop()

    assert len(expected["sessions"]) >= SESSIONS
    assert _content(of_folder(up.data), "g1") == expected


def _content(url: str, generation: str) -> dict[str, list[str]]:
    found = contents(url, generation)
    return {table: without_positions(found[table]) for table in TABLES}
