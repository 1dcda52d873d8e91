"""Services that come and go while a supervisor runs, with real processes."""

import os
import signal
from pathlib import Path

from tests.support.rigs.supervised import is_alive, supervised
from tests.support.waiting import eventually

# Two files define what should run: names of services, and the script of one that runs once.
CHANGING = """
SLEEPER = python("import time; time.sleep(600)")

def words(name):
    file = DATA / name
    return file.read_text() if file.exists() else ""

def more():
    services = [SupervisedService(name=name, command=SLEEPER, stop_s=2) for name in words("services").split()]
    script = words("job")
    return [*services, SupervisedService(name="job", command=python(script), once=True)] if script else services

STEPS = [SupervisedService(name="one", command=SLEEPER), *globals().get("MORE", [])]
"""
RUN = """
SUPERVISOR = Supervisor(DATA, report=report, backoff=Backoff(cap_s=0.3))
sys.exit(SUPERVISOR.run(lambda: Plan(STEPS, more), on_ready=lambda: report("READY")))
"""


def want(data: Path, name: str, text: str) -> None:
    """Change everything that should run, in one step."""
    new = data / f"{name}.new"
    new.write_text(text)
    new.replace(data / name)


def test_services_come_and_go(tmp_path: Path) -> None:
    """A service that should no longer run is stopped and leaves no pid file; the others are not affected."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        running.await_said("READY")
        one = running.pid("one")
        want(tmp_path, "services", "a b")
        eventually(lambda: running.pid_files() == {"one", "a", "b"})
        a, b = running.pid("a"), running.pid("b")

        want(tmp_path, "services", "b c")
        eventually(lambda: running.pid_files() == {"one", "b", "c"})

        assert not is_alive(a)
        assert (running.pid("one"), running.pid("b")) == (one, b)
        want(tmp_path, "services", "a b c")
        eventually(lambda: running.pid_files() == {"one", "a", "b", "c"})
        pids = [running.pid(name) for name in running.pid_files()]
        assert running.stop() == 0
        assert not any(map(is_alive, pids))
        assert running.pid_files() == set()


def test_a_service_that_came_later_runs_again_after_its_death(tmp_path: Path) -> None:
    """It is supervised like those that were started at the beginning."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        want(tmp_path, "services", "a")
        running.await_said("READY")
        eventually(lambda: "a" in running.pid_files())
        a = running.pid("a")

        os.kill(a, signal.SIGKILL)

        assert is_alive(running.await_new_pid("a", a))


def test_a_service_that_runs_once_is_tried_again_after_a_failure(tmp_path: Path) -> None:
    """Each failure is reported, and once it has succeeded or is no longer wanted, it does not run again."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        running.await_said("READY")
        tries = tmp_path / "tries"
        script = f"tries = open({str(tries)!r}, 'a+')\ntries.write('x')\ntries.flush()\ntries.seek(0)\n"
        want(tmp_path, "job", f"{script}raise SystemExit(len(tries.read()) < 3)")
        running.await_said("job is done")
        want(tmp_path, "job", "")
        assert running.said().count("job ended (exit code 1), starts again in ") == 2
        eventually(lambda: running.said().endswith(("job is done\n", "job was stopped\n")))
        tries.unlink()

        one = running.pid("one")
        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)

        assert not tries.exists()


def test_while_one_runs_once_the_others_are_tended_and_come_and_go(tmp_path: Path) -> None:
    """Dropping a generation waits until its projectors have ended. It is not stopped when it is no longer wanted."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        running.await_said("READY")
        want(tmp_path, "services", "a b")
        eventually(lambda: running.pid_files() == {"one", "a", "b"})
        one, a = running.pid("one"), running.pid("a")
        go, ended = tmp_path / "go", tmp_path / "ended"
        wait = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)"
        want(tmp_path, "job", f"open({str(tmp_path / 'begun')!r}, 'w')\n{wait}\nopen({str(ended)!r}, 'w')")
        eventually((tmp_path / "begun").exists)

        want(tmp_path, "job", "")
        want(tmp_path, "services", "b c")
        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)
        eventually(lambda: running.pid_files() == {"one", "b", "c"})

        assert not is_alive(a)
        go.touch()
        eventually(ended.exists)
        assert running.stop() == 0


def test_a_function_among_the_steps_is_called_in_its_turn(tmp_path: Path) -> None:
    """So `stack` reads the generations only after `provision` has made the first one."""
    more = f"""
JOB = python("import pathlib, time\\nwhile not pathlib.Path({str(tmp_path / "go")!r}).exists(): time.sleep(0.02)")
MORE = [SupervisedService(name="first", command=JOB, once=True), lambda: report("CALLED")]
"""
    with supervised(tmp_path, more + CHANGING + RUN) as running:
        eventually(lambda: "one" in running.pid_files() and (tmp_path / "log" / "first.log").exists())
        one = running.pid("one")
        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)  # so it has checked everything several times
        assert "CALLED" not in running.said()

        (tmp_path / "go").touch()
        running.await_said("READY")

        assert running.said().split("first is done\n")[1] == "CALLED\nREADY\n"


def test_a_service_waits_for_what_it_comes_after(tmp_path: Path) -> None:
    """If the other is not there in time, the supervisor exits with a sentence, and no process is left."""
    steps = """
STEPS = [
    SupervisedService(name="one", command=python("import time; time.sleep(600)")),
    SupervisedService(name="two", command=python("import time; time.sleep(600)"), after=lambda: False, ready_s=0.5),
]
"""
    with supervised(tmp_path, steps) as running:
        assert running.process.wait(20) == 69

        assert "two was not started: what it needs was not ready within 0 s" in running.said()
        assert running.pid_files() == set()
        assert not (tmp_path / "log" / "two.log").exists()
