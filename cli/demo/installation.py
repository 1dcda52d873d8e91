"""The installation that a demo talks to: one of its own in a temporary folder, or one that runs already."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from deploy.devstack.supervisor.die_with_parent import tethered
from kernel.ports import free_port
from runtime.settings import Settings

UP_S, STOP_S = 60.0, 20.0


class DidNotStart(Exception):
    """The embedded installation did not come up; the message says why."""


@contextlib.contextmanager
def own_installation(keep: bool) -> Iterator[tuple[str, Path]]:
    """Address and data folder of an installation that ends, and is removed, with the block, unless it is kept.

    Raises:
        DidNotStart: with the last lines of what it said.
    """
    folder = Path(tempfile.mkdtemp(prefix="crewkit-demo-"))
    port = free_port()
    process = _start(folder, port, keep)
    kept = False
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_live(process, url, folder)
        yield url, folder
        kept = keep
    finally:
        if not kept:
            _stop(process)
            shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, port: int, keep: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "cli", "up", "--data", str(folder), "--port", str(port)]
    line = command if keep else tethered(command, signal.SIGTERM)  # a demo that dies leaves nothing behind
    ours = {name.upper() for name in Settings.__struct_fields__}  # settings of another installation
    env = {name: value for name, value in os.environ.items() if name not in ours}
    with (folder / "up.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own command)
            line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=env
        )


def _wait_until_live(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/livez", trust_env=False, timeout=2).status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    said = (folder / "up.log").read_text(errors="replace")[-2_000:]
    raise DidNotStart(f"`crewkit-sessions up` did not come up:\n{said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
