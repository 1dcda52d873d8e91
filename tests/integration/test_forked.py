"""A forked process of the tests equals one made by an exec, except that it needn't import everything again."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest

from tests.support import CHECKOUT
from tests.support.rigs import forked
from tests.support.rigs.forked import PYTHON, Forked, ForkServer, run
from tests.support.waiting import eventually

STATE = [*PYTHON, "tests.integration.process_state"]
PRODUCT = "agents audit cli devstack edge generations ingest prices processors query_api runtime schemas store".split()
IN_A_PROCESS_THAT_DIES = """
import os, signal
from tests.support.rigs import forked
forked._server = lambda server=forked.ForkServer(): server
print(forked.Forked([*forked.PYTHON, "tests.integration.process_state", "pause"], stdout=-3).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[ForkServer]:
    """Use a fork server without the product: it starts at once."""
    server = ForkServer()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(forked, "_server", lambda: server)
        yield server
    server.process.kill()
    server.process.wait()


def state(start: Callable[..., subprocess.Popen[Any]], folder: Path) -> dict[str, Any]:
    """Return the state that a process reports, started in a given folder and environment."""
    output = folder / "output"
    with output.open("w") as out:
        environment = {**os.environ, "DEV_TOKENS": "1"}
        with start([*STATE, "0"], env=environment, cwd=folder, stdin=DEVNULL, stdout=out, stderr=out) as process:
            process.wait(timeout=60)
    said: dict[str, Any] = json.loads(output.read_text())
    return said


def test_a_forked_process_is_what_an_exec_makes(tmp_path: Path) -> None:
    """Arguments, environment, folder, umask, signals, limits and descriptors are the same."""
    mask = os.umask(0o027)
    try:
        forks, execs = state(Forked, tmp_path), state(subprocess.Popen, tmp_path)
    finally:
        os.umask(mask)

    assert forks["state"] == execs["state"]
    assert forks["state"]["threads"] == 1


def test_forked_processes_have_random_numbers_of_their_own(tmp_path: Path) -> None:
    """Otherwise two of them would choose the same ports."""
    assert state(Forked, tmp_path)["random"] != state(Forked, tmp_path)["random"]


@pytest.mark.parametrize("code", [0, 3, -signal.SIGTERM, -signal.SIGKILL])
def test_the_exit_code_is_that_of_a_popen(code: int) -> None:
    """It is negative for a signal."""
    assert run([*STATE, str(code)]).returncode == code


def test_it_runs_until_a_signal_ends_it() -> None:
    """Signals, waiting and pipes work as for a child process."""
    process = Forked([*STATE, "pause"], stdout=PIPE)

    assert process.stdout is not None
    assert process.stdout.readline()
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.01)
    process.terminate()
    assert process.wait(timeout=20) == -signal.SIGTERM
    assert process.communicate() == (b"", None)


def test_what_python_reads_at_its_start_is_left_to_an_exec(server: ForkServer) -> None:
    """The fork server has already read it."""
    environment = {**os.environ, "TZ": "Pacific/Apia"}

    assert not server.fits(environment)
    with Forked([*STATE, "pause"], env=environment, stdout=PIPE) as process:
        assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None  # it is a child
        process.kill()


def test_no_process_outlives_a_killed_test_process() -> None:
    """Neither the fork server nor what it forked."""
    dies = subprocess.run([sys.executable, "-c", IN_A_PROCESS_THAT_DIES], cwd=CHECKOUT, stdout=PIPE, check=False)
    pid = int(dies.stdout)

    assert dies.returncode == -signal.SIGKILL
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_only_fail_points_are_read_when_the_product_is_imported() -> None:
    """A forked process gets its environment only after that; the fork server handles fail points separately."""
    reads = re.compile(r"^\S.*\bos\.(environ[\[.]|getenv)", re.MULTILINE)
    files = [file for folder in PRODUCT for file in (CHECKOUT / folder).rglob("*.py")]

    assert [file.relative_to(CHECKOUT).as_posix() for file in files if reads.search(file.read_text())] == [
        "store/fail_points.py"
    ]
