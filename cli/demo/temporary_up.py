"""Starts an installation in a temporary folder for the demo."""

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

from runtime.services.die_with_parent import die_with_parent
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from runtime.settings.settings import Settings

HOST = "127.0.0.1"
UP_S, STOP_S = 60.0, 20.0


class DidNotStart(Exception):
    """The embedded installation did not start; the message says why."""


@contextlib.contextmanager
def temporary_installation(keep: bool) -> Iterator[tuple[str, Path]]:
    """Yield the URL and data folder of a new installation; stop and remove it unless ``keep``. Raises `DidNotStart`."""
    folder, port = Path(tempfile.mkdtemp(prefix="crewkit-demo-")), free_port()
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        process = _start(folder, port, keep)
        cleanup.callback(_stop, process)
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline and process.poll() is None:
            if answers_200(HOST, port, "/readyz", timeout_s=2):
                break
            time.sleep(0.05)
        else:
            output = (folder / "up.log").read_text(errors="replace")[-2_000:]
            raise DidNotStart(f"`crewkit-sessions up` did not start:\n{output}")
        yield f"http://{HOST}:{port}", folder
        if keep:
            cleanup.pop_all()


def _start(folder: Path, port: int, keep: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "cli", "up", "--data", str(folder), "--port", str(port)]
    arguments = command if keep else die_with_parent(command, signal.SIGTERM)  # a killed demo leaves no process behind
    ours = {name.upper() for name in Settings.__struct_fields__}  # they may be set for another installation
    env = {name: value for name, value in os.environ.items() if name not in ours}
    with (folder / "up.log").open("wb") as log:  # only errors, because the output contains tokens
        return subprocess.Popen(  # noqa: S603 (our own command)
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True, env=env
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
