"""Other accounts of the machine: what a running installation leaves open to them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.folder import files_of
from support.installation import ORG, Installation
from support.kafka import need_jars


@pytest.fixture(scope="module", params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def careless(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose owner has a umask of 0, on a folder that was made so."""
    if request.param == "stack":
        need_jars()
    folder = tmp_path_factory.mktemp(request.param) / "data"
    running = Installation(request.param, folder)
    before = os.umask(0)
    try:
        running.start()
    finally:
        os.umask(before)
    try:
        yield running
    finally:
        running.end()


def test_nothing_in_the_data_folder_is_open_to_others(careless: Installation) -> None:
    """Log, store, Kafka's segments, access logs, pids, secrets: no bit for group or others anywhere."""
    written = careless.client().post(f"/api/v1/{ORG}/sessions", json={"agent_name": "private"})
    assert written.status_code == httpx.codes.CREATED
    read = careless.client().get(
        f"/api/v1/{ORG}/sessions", headers={"X-Wait-For-Position": written.headers["X-Log-Position"]}
    )
    assert read.is_success

    files = [file for file in files_of(careless.data) if file != careless.data / f"{careless.kind}.out"]
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(careless.data)}

    assert {str(path): oct(mode) for path in (*files, *folders) if (mode := _open_bits(path))} == {}
    assert len(files) > 20


def _open_bits(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:  # the store merges parts all the time
        return 0
    return 0 if stat.S_ISLNK(found.st_mode) else found.st_mode & 0o077
