"""What a running installation exposes to other accounts on the machine."""

import re
import stat
import time
from pathlib import Path

import httpx

from edge.logging import LINES_PER_SECOND
from tests.support.rigs.folder import files_of
from tests.support.rigs.installation import ORG, Installation
from tests.support.waiting import eventually


def test_nothing_in_the_data_folder_is_open_to_others(installation: Installation) -> None:
    """Log, store, Kafka's segments, access logs, pid files and secrets have no permissions for group or others."""
    written = installation.client().post(f"/api/v1/{ORG}/sessions", json={"agent_name": "private"})
    assert written.status_code == httpx.codes.CREATED
    read = installation.client().get(
        f"/api/v1/{ORG}/sessions", headers={"X-Wait-For-Position": written.headers["X-Log-Position"]}
    )
    assert read.is_success

    files = [file for file in files_of(installation.data) if file != installation.data / f"{installation.kind}.out"]
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(installation.data)}

    assert {str(path): oct(mode) for path in (*files, *folders) if (mode := _open_bits(path))} == {}
    assert len(files) > 20


def test_rejected_requests_do_not_fill_the_log(installation: Installation) -> None:
    """2,000 rejected requests add kilobytes, not 226 bytes each; metrics count all; a success is still logged."""
    log = installation.data / "log" / ("up.log" if installation.kind == "up" else "serve.log")
    before, counted = log.stat().st_size, _rejected(installation)
    began = time.monotonic()
    with httpx.Client(base_url=installation.url, trust_env=False) as stranger:
        for path in ("/api/v1/acme/sessions", "/nowhere"):
            assert {stranger.get(path).status_code for _ in range(1_000)} == {401 if "api" in path else 404}
    seconds = int(time.monotonic() - began) + 2

    assert log.stat().st_size - before < 300 * (LINES_PER_SECOND * seconds + 1)
    assert _rejected(installation) - counted == 2_000
    assert installation.client(user="last-one").get(f"/api/v1/{ORG}/sessions").is_success
    eventually(lambda: b'"user": "last-one"' in log.read_bytes()[before:])
    eventually(lambda: b"requests_rejected" in log.read_bytes()[before:], within_s=20)


def _rejected(installation: Installation) -> float:
    shown = httpx.get(f"{installation.url}/metrics", trust_env=False).text
    lines = re.findall(r'^crewkit_http_requests_total\{.*status="40[14]"\} (\S+)$', shown, re.MULTILINE)
    return sum(map(float, lines))


def _open_bits(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:  # the store merges parts all the time
        return 0
    return 0 if stat.S_ISLNK(found.st_mode) else found.st_mode & 0o077
