"""A log moves from `up` to a stack and back: what is projected from it stays the same, positions apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.devstack.stack import stack_store_url
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.log_commands import copy_secrets
from tests.support.rigs.store import TABLES
from tests.support.rigs.store_contents import contents, of_folder, without_positions
from tests.support.rigs.worked import SESSIONS, is_complete, work
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka


@pytest.fixture
def installations(tmp_path: Path) -> Iterator[dict[str, Installation]]:
    """Provide an `up`, a stack and another `up`, none of them started."""
    need_jars()
    kinds = {"before": "up", "stack": "stack", "after": "up"}
    made = {name: Installation(kind, tmp_path / name) for name, kind in kinds.items()}
    try:
        yield made
    finally:
        for installation in made.values():
            installation.end()


def test_a_moved_log_projects_to_the_same_tables(installations: dict[str, Installation], tmp_path: Path) -> None:
    """One partition, four, one: each export, import and projection gives equal facts, sessions and rollups."""
    before, stack, after = installations.values()
    before.start()
    work(before, model="claude-sonnet-4-5")
    eventually(lambda: is_complete(before), within_s=60)
    before.stop()
    expected = _content(of_folder(before.data))
    positions = len(expected["receipts"])

    copy_secrets(before.data, stack.data)
    stack.start()
    _move(before, stack, tmp_path / "export")
    eventually(lambda: is_complete(stack, positions), within_s=60)
    url = stack_store_url(stack.data)
    assert url is not None
    in_the_stack = _content(url)

    copy_secrets(before.data, after.data)
    _move(stack, after, tmp_path / "export of the stack")
    after.start()
    eventually(lambda: is_complete(after, positions), within_s=60)
    after.stop()

    assert len(expected["sessions"]) == SESSIONS
    assert in_the_stack == expected
    assert _content(of_folder(after.data)) == expected


def _move(source: Installation, target: Installation, folder: Path) -> None:
    """Export, and import what `import` verifies first."""
    for installation, command in ((source, "export"), (target, "import")):
        done = installation.command("log", command, str(folder))
        assert done.returncode == 0, done.stderr


def _content(url: str) -> dict[str, list[str]]:
    found = contents(url)
    return {table: without_positions(found[table]) for table in TABLES}
