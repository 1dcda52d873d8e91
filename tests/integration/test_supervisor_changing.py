"""Services and jobs that come and go while a supervisor runs, with real processes."""

import os
import signal
from pathlib import Path

from tests.support.rigs.supervised import is_alive, supervised
from tests.support.waiting import eventually

# Two files define what should run: names of services, and the script of the job.
CHANGING = """
from devstack.supervisor.services import Changing

SLEEPER = python("import time; time.sleep(600)")

def words(name):
    file = DATA / name
    return file.read_text() if file.exists() else ""

def changing():
    services = [SupervisedService(name=name, command=SLEEPER, stop_s=2) for name in words("services").split()]
    script = words("job")
    return Changing(services, Job(name="job", command=python(script)) if script else None)

STEPS = [SupervisedService(name="one", command=SLEEPER), *globals().get("MORE", [])]
"""
RUN = """
SUPERVISOR = Supervisor(DATA, report=report, backoff=Backoff(cap_s=0.3))
sys.exit(SUPERVISOR.run(lambda: STEPS, on_ready=lambda: report("READY"), changing=changing))
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


def test_a_job_that_fails_is_tried_again_after_a_pause(tmp_path: Path) -> None:
    """Each failure is reported, and the job is not repeated once it is no longer requested."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        running.await_said("READY")
        want(tmp_path, "job", "raise SystemExit(3)")
        eventually(lambda: running.said().count("job failed (exit code 3), starts again in 0 s") >= 2)
        done = tmp_path / "done"

        want(tmp_path, "job", f"import pathlib; pathlib.Path({str(done)!r}).touch()")
        eventually(done.exists)
        want(tmp_path, "job", "")
        one = running.pid("one")
        os.kill(one, signal.SIGKILL)

        running.await_new_pid("one", one)


def test_while_a_job_runs_services_are_tended_and_come_and_go(tmp_path: Path) -> None:
    """Dropping a generation waits until its projectors have ended."""
    with supervised(tmp_path, CHANGING + RUN) as running:
        running.await_said("READY")
        want(tmp_path, "services", "a b")
        eventually(lambda: running.pid_files() == {"one", "a", "b"})
        one, a = running.pid("one"), running.pid("a")
        want(tmp_path, "job", f"open({str(tmp_path / 'begun')!r}, 'w'); import time; time.sleep(600)")
        eventually((tmp_path / "begun").exists)

        want(tmp_path, "services", "b c")
        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)
        eventually(lambda: running.pid_files() == {"one", "b", "c"})

        assert not is_alive(a)
        assert running.stop() == 0


def test_nothing_changes_before_the_jobs_of_the_steps_are_done(tmp_path: Path) -> None:
    """The steps' jobs create what it needs, and the same job would otherwise run twice at once."""
    more = f"""
JOB = python("import pathlib, time\\nwhile not pathlib.Path({str(tmp_path / "go")!r}).exists(): time.sleep(0.02)")
LAST = SupervisedService(name="last", command=python("import time; time.sleep(600)"), after=lambda: "a" in pids())
MORE = [Job(name="first", command=JOB), LAST]

def pids():
    return [file.stem for file in (DATA / "run").glob("*.pid")]
"""
    with supervised(tmp_path, more + CHANGING + RUN) as running:
        want(tmp_path, "services", "a")
        want(tmp_path, "job", f"open({str(tmp_path / 'changed')!r}, 'w')")
        eventually(lambda: "one" in running.pid_files() and (tmp_path / "log" / "first.log").exists())
        one = running.pid("one")
        os.kill(one, signal.SIGKILL)
        running.await_new_pid("one", one)  # so it has checked everything several times
        assert running.pid_files() == {"one"}
        assert not (tmp_path / "changed").exists()

        (tmp_path / "go").touch()
        running.await_said("READY")

        assert running.pid_files() == {"one", "a", "last"}
        eventually((tmp_path / "changed").exists)


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
