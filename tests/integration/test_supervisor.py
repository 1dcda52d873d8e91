"""The supervisor keeps its promises with real processes and real signals."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from devstack.supervisor.services import Backoff
from runtime.services.ports import free_port
from tests.support.rigs.supervised import is_alive, supervised
from tests.support.waiting import eventually

SLEEPER = 'python("import time; time.sleep(600)")'
TWO = f"STEPS = [SupervisedService(name='one', command={SLEEPER}), SupervisedService(name='two', command={SLEEPER})]"

DEAF = """
SCRIPT = f'''
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w")
time.sleep(600)
'''

def deaf(name, stop_s):
    ready = DATA / f"{name}.ready"
    return SupervisedService(name=name, command=[*python(SCRIPT), str(ready)], ready=ready.exists, stop_s=stop_s)
"""

TELLS_ITS_END = """
def tells(name):
    return python(f'''
import signal, sys, time
def end(*_):
    open("{DATA}/ends", "a").write("{name}\\\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open("{DATA}/{name}.listens", "w")
time.sleep(600)
''')

def listens(name):
    return (DATA / f"{name}.listens").exists

STEPS = [SupervisedService(name=name, command=tells(name), ready=listens(name)) for name in ("one", "two", "three")]
"""

HAS_A_WORKER = """
SCRIPT = f'''
import os, time
if os.fork() == 0:
    open("{DATA}/worker", "w").write(str(os.getpid()))
time.sleep(600)
'''
STEPS = [SupervisedService(name="one", command=python(SCRIPT), ready=(DATA / "worker").exists)]
"""


def test_a_killed_child_runs_again(tmp_path: Path) -> None:
    """After kill -9 of one service it runs as a new process with a new pid file; the other is not affected."""
    with supervised(tmp_path, TWO) as running:
        running.await_said("READY")
        one, two = running.pid("one"), running.pid("two")

        os.kill(one, signal.SIGKILL)

        assert is_alive(running.await_new_pid("one", one))
        assert running.pid("two") == two
        assert is_alive(two)
        assert "one ended (SIGKILL), starts again in 0.2 s" in running.said()


def test_a_child_that_cannot_be_started_is_tried_again_and_the_others_run_on(tmp_path: Path) -> None:
    """Its pid file can't be written, as on a full disk: no unrecorded process remains, and it starts later."""
    with supervised(tmp_path, TWO) as running:
        running.await_said("READY")
        one, two = running.pid("one"), running.pid("two")
        in_the_way = tmp_path / "run" / ".one.pid.new"
        in_the_way.mkdir()

        os.kill(one, signal.SIGKILL)
        running.await_said("one could not be started")
        assert running.pid("two") == two
        assert is_alive(two)

        in_the_way.rmdir()
        assert is_alive(running.await_new_pid("one", one))


def test_no_pid_and_no_log_goes_where_a_planted_link_leads(tmp_path: Path) -> None:
    """A planted pid link is replaced; a planted log link is not followed, and the message names it."""
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    for link in (tmp_path / "run" / "one.pid", tmp_path / "log" / "two.log"):
        link.parent.mkdir()
        link.symlink_to(precious)

    with supervised(tmp_path, TWO) as running:
        running.await_said(f"two could not be started ({tmp_path}/log/two.log is a symbolic link")

        assert is_alive(running.pid("one"))
        assert precious.read_text() == "as it was"


def test_the_log_of_a_child_that_runs_is_bounded(tmp_path: Path) -> None:
    """It writes without end; its log and the previous one never exceed the output of a few intervals."""
    steps = f"""
from functools import partial
from devstack.supervisor import services
services.cut_when_full = partial(services.cut_when_full, bytes_max=50_000)
TALK = "import time\\nwhile True: print('x' * 999, flush=True); time.sleep(0.001)"
STEPS = [SupervisedService(name='one', command=python(TALK)), SupervisedService(name='two', command={SLEEPER})]
"""
    log, before = tmp_path / "log" / "one.log", tmp_path / "log" / "one.log.1"
    with supervised(tmp_path, steps) as running:
        running.await_said("READY")
        inode = eventually(lambda: before.exists() and before.stat().st_ino)
        eventually(lambda: before.stat().st_ino != inode)

        assert log.stat().st_size + before.stat().st_size < 5_000_000
        assert is_alive(running.pid("one"))


def test_a_child_that_keeps_dying_waits_longer_each_time(tmp_path: Path) -> None:
    """Pauses are 0.2, 0.4 and 0.8 s, then this test's cap of 1 s; the others run on."""
    bad = "python('raise SystemExit(3)')"
    steps = f"STEPS = [SupervisedService(name='calm', command={SLEEPER}), SupervisedService(name='bad', command={bad})]"
    with supervised(tmp_path, steps) as running:
        for pause in ("0.2", "0.4", "0.8", "1.0"):
            running.await_said(f"bad ended (exit code 3), starts again in {pause} s")
        assert is_alive(running.pid("calm"))


def test_pauses_grow_to_a_cap_and_a_long_life_forgets_them() -> None:
    """Pauses go from 0.2 s to 10 s; 30 s of life reset them, less does not."""
    backoff = Backoff()

    assert [backoff.pause_s(deaths) for deaths in (1, 2, 3, 6, 7, 1000)] == [0.2, 0.4, 0.8, 6.4, 10.0, 10.0]
    assert backoff.deaths(before=5, lived_s=29.9) == 6
    assert backoff.deaths(before=5, lived_s=30.0) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_in_reverse_order_and_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    """The last to start stops first; no pid file and no process is left."""
    with supervised(tmp_path, TELLS_ITS_END) as running:
        running.await_said("READY")
        pids = [running.pid(name) for name in ("one", "two", "three")]

        assert running.stop(number) == 0

        assert (tmp_path / "ends").read_text().split() == ["three", "two", "one"]
        assert running.pid_files() == set()
        assert not any(map(is_alive, pids))


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    """If SIGTERM is ignored, SIGKILL follows after the service's limit, and the exit code is still 0."""
    with supervised(tmp_path, f"{DEAF}\nSTEPS = [deaf('one', stop_s=0.3)]") as running:
        running.await_said("READY")
        deaf = running.pid("one")

        assert running.stop(within_s=5) == 0

        assert not is_alive(deaf)
        assert "one did not stop within 0.3 s and was killed" in running.said()


def test_many_that_do_not_stop_still_end_in_time(tmp_path: Path) -> None:
    """Five services that ignore SIGTERM have long limits; the limit for all of them holds."""
    limits = "STOP_ALL_S, supervisor.STOP_EACH_LEAST_S = 2.0, 0.2"
    steps = f"{DEAF}\nSTEPS = [deaf(name, stop_s=5) for name in 'abcde']\n{limits}"
    with supervised(tmp_path, steps) as running:
        running.await_said("READY")
        began = time.monotonic()

        assert running.stop() == 0

        assert 1.9 < time.monotonic() - began < 4
        assert running.said().count("did not stop within 0.2 s") == 4, "each later one gets the minimum"


@pytest.mark.parametrize("death_signal", ["SIGKILL", "SIGTERM"])
def test_no_child_outlives_a_killed_supervisor(tmp_path: Path, death_signal: str) -> None:
    """After kill -9 of the supervisor the kernel ends its children."""
    steps = f"STEPS = [SupervisedService(name=n, command={SLEEPER}, death_signal=signal.{death_signal}) for n in 'ab']"
    with supervised(tmp_path, steps) as running:
        running.await_said("READY")
        pids = [running.pid("a"), running.pid("b")]

        running.process.kill()

        eventually(lambda: not any(map(is_alive, pids)), within_s=5)


def test_workers_do_not_outlive_their_killed_parent(tmp_path: Path) -> None:
    """After kill -9 of a service that forked, its worker ends before the service starts again."""
    with supervised(tmp_path, HAS_A_WORKER) as running:
        running.await_said("READY")
        one = running.pid("one")
        worker = int(eventually((tmp_path / "worker").read_text))

        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)

        assert not is_alive(worker)


def test_the_terminal_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    """Each child leads another session, so Ctrl-C can't stop one without the supervisor."""
    with supervised(tmp_path, TWO) as running:
        running.await_said("READY")

        for name in ("one", "two"):
            assert os.getsid(running.pid(name)) == running.pid(name)


def test_pid_files_are_there_for_the_children_only(tmp_path: Path) -> None:
    """There is one file per service, and none for the supervisor or a job."""
    steps = f"{TWO}\nSTEPS.insert(1, SupervisedService(name='job', command=python(''), once=True))"
    with supervised(tmp_path, steps) as running:
        running.await_said("READY")

        assert running.pid_files() == {"one", "two"}
        assert running.process.pid not in {running.pid("one"), running.pid("two")}


def test_stale_pid_files_of_a_killed_supervisor_go_away(tmp_path: Path) -> None:
    """A later supervisor with other services removes pid files that have no process."""
    with supervised(tmp_path, TWO) as first:
        first.await_said("READY")
        first.process.kill()
        first.process.wait()

    with supervised(tmp_path, f"STEPS = [SupervisedService(name='one', command={SLEEPER})]") as second:
        second.await_said("READY")

        assert second.pid_files() == {"one"}


def test_a_second_supervisor_on_the_directory_refuses(tmp_path: Path) -> None:
    """It names the owner of the directory, and does not affect it."""
    with supervised(tmp_path / "data", TWO) as first:
        first.await_said("READY")
        one = first.pid("one")
        said_by_first = first.said_file.rename(tmp_path / "first")

        with supervised(tmp_path / "data", TWO) as second:
            assert second.process.wait(10) == 69
            assert f"is in use by process {first.process.pid}" in second.said()

        assert first.pid("one") == one
        assert is_alive(one)
        assert "ended" not in said_by_first.read_text()


def test_a_service_that_runs_once_is_done_before_the_next_step(tmp_path: Path) -> None:
    """Earlier services run meanwhile; after a failure it is tried again."""
    steps = f"""
JOB = f'''
import pathlib, sys
tries = pathlib.Path("{{DATA}}/tries")
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
sys.exit(tries.read_text() != "xx")
'''
STEPS = [
    SupervisedService(name="job", command=python(JOB), once=True),
    SupervisedService(name="after", command={SLEEPER}, ready=lambda: (DATA / "tries").read_text() == "xx"),
]
"""
    with supervised(tmp_path, steps) as running:
        running.await_said("READY")

        assert "job ended (exit code 1), starts again in 0.2 s" in running.said()


def test_a_service_that_runs_once_and_fails_stops_everything(tmp_path: Path) -> None:
    """After three tries, the error has its name, its log and its last lines; no process remains."""
    bad = "python('raise SystemExit(\"no topic\")')"
    job = f"SupervisedService(name='job', command={bad}, once=True)"
    steps = f"STEPS = [SupervisedService(name='one', command={SLEEPER}), {job}]"
    with supervised(tmp_path, steps) as running:
        assert running.process.wait(20) == 69

        assert "job failed 3 times" in running.said()
        assert f"from {tmp_path}/log/job.log:\n  no topic" in running.said()
        assert running.pid_files() == set()


def test_a_service_that_does_not_come_up_is_named(tmp_path: Path) -> None:
    """The error has the service, its log and its last lines; earlier services are stopped."""
    script = "python('print(\"where is my config\", flush=True); import time; time.sleep(600)')"
    bad = f"SupervisedService(name='bad', command={script}, ready=lambda: False, ready_s=1)"
    steps = f"STEPS = [SupervisedService(name='good', command={SLEEPER}), {bad}]"
    with supervised(tmp_path, steps) as running:
        assert running.process.wait(20) == 69

        assert "bad was not ready after 1 s" in running.said()
        assert f"from {tmp_path}/log/bad.log:\n  where is my config" in running.said()
        assert running.pid_files() == set()


def test_a_command_that_does_not_exist_is_named_in_the_log(tmp_path: Path) -> None:
    """The supervisor treats it like any other exit of a child."""
    steps = "STEPS = [SupervisedService(name='typo', command=['/no/such/program'], ready_s=0.5)]"
    with supervised(tmp_path, steps) as running:
        running.await_said("typo ended (exit code 1)")

        assert "can't run /no/such/program: No such file" in (tmp_path / "log" / "typo.log").read_text()


def test_a_stop_during_the_start_ends_with_0(tmp_path: Path) -> None:
    """SIGTERM while a service is not yet ready stops the started ones."""
    steps = f"STEPS = [SupervisedService(name='slow', command={SLEEPER}, ready=lambda: report('asked') or False)]"
    with supervised(tmp_path, steps) as running:
        running.await_said("asked")
        slow = running.pid("slow")

        assert running.stop() == 0

        assert not is_alive(slow)


def test_a_stop_while_things_are_prepared_ends_with_0(tmp_path: Path) -> None:
    """SIGTERM inside `compose` (for example a download) does not wait for its end."""
    steps = """
import time
def compose():
    report("preparing")
    time.sleep(600)
sys.exit(Supervisor(DATA, report=report).run(compose))
"""
    with supervised(tmp_path, steps) as running:
        running.await_said("preparing")

        assert running.stop() == 0


def test_a_taken_port_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Otherwise the other program's responses would look like the service's."""
    port = free_port()
    steps = f"STEPS = [SupervisedService(name='web', command={SLEEPER}, listens=('127.0.0.1', {port}))]"
    with socket.create_server(("127.0.0.1", port)), supervised(tmp_path, steps) as running:
        assert running.process.wait(20) == 69

        assert f"web can't listen on 127.0.0.1:{port}: another program is using the port" in running.said()
