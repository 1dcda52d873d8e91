"""All faults in one table: a name, and what it does to the target. Each fault ends by itself."""

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.chaos.targets import Embedded, Proxied, Target
from tests.support.clients.poison import poison
from tests.support.fakes.store_refusals import PASSES
from tests.support.waiting import eventually

SERVICES = ("serve", "projector-0", "projector-1", "keeper", "store-server", "kafka")
REPLAYING = ("projector-g2-0", "projector-g2-1")  # while there is a replay
FAIL_POINTS = (
    *("projector.folded", "projector.wrote_facts", "projector.wrote_sessions", "projector.wrote_derivations"),
    *("projector.wrote_receipts", "projector.acknowledged"),
    *("projector.refreshed_rollups", "projector.moved_rollup_marks"),
    *("ingest.before_append", "ingest.sent", "ingest.appended"),
    *("log.segment_written", "log.segment_named", "keeper.checked", "keeper.trimmed"),
)


class Fault(NamedTuple):
    """``strike`` returns once everything it broke can work again; ``weight`` is how often it is drawn."""

    name: str
    strike: Callable[[Target, random.Random], None]
    weight: int = 2


def _network(proxy: str, how: str, seconds: tuple[float, float]) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, chance: random.Random) -> None:
        network = target.proxies[proxy]
        getattr(network, how)()
        time.sleep(chance.uniform(*seconds))
        network.heal()
        if how == "half_open":
            network.cut()  # without this it would hang indefinitely

    return strike


def _slow(proxy: str) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, chance: random.Random) -> None:
        target.proxies[proxy].delay(chance.uniform(0.02, 0.2))
        time.sleep(chance.uniform(1, 4))
        target.proxies[proxy].heal()

    return strike


def _kill(name: str) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, _chance: random.Random) -> None:
        _signal_and_wait(target, name, signal.SIGKILL)

    return strike


def _kill_the_supervisor(target: Target, _chance: random.Random) -> None:
    """The kernel ends all its child processes; the next supervisor finds everything unchanged."""
    target.kill()
    target.start()


def _terminate(name: str) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, _chance: random.Random) -> None:
        _signal_and_wait(target, name, signal.SIGTERM)

    return strike


def _signal_and_wait(target: Target, name: str, number: signal.Signals) -> None:
    """Send a signal and wait until the supervisor has restarted the process."""
    old = target.pids().get(name)
    if old is not None:
        target.send_to(old, number)
        eventually(lambda: target.pids().get(name, old) != old, within_s=40)


def _freeze(name: str, seconds: tuple[float, float]) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, chance: random.Random) -> None:
        pid = target.pids().get(name)
        if pid is not None:
            target.send_to(pid, signal.SIGSTOP)
            time.sleep(chance.uniform(*seconds))
            target.send_to(pid, signal.SIGCONT)

    return strike


def _full_disk(name: str) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, chance: random.Random) -> None:
        pid = target.pids().get(name)
        if pid is not None:
            target.disk_limit(pid, chance.choice((0, 100_000, 2_000_000)))
            time.sleep(chance.uniform(0.5, 2))
            target.disk_limit(pid, None)

    return strike


def _refusing_store(target: Target, chance: random.Random) -> None:
    assert isinstance(target, Proxied)
    target.refusals.everything(chance.choice(PASSES))
    time.sleep(chance.uniform(1, 4))
    target.refusals.end()


def _restart_up(number: signal.Signals) -> Callable[[Target, random.Random], None]:
    def strike(target: Target, chance: random.Random) -> None:
        assert target.process is not None
        target.process.send_signal(number)
        target.process.wait(timeout=20)
        time.sleep(chance.uniform(0, 0.5))
        target.start()

    return strike


def _die_at_a_fail_point(target: Target, chance: random.Random) -> None:
    """Restart so that the process dies in the middle of a write, then restart normally."""
    assert target.process is not None
    target.kill()
    target.environment["CREWKIT_FAILPOINT"] = f"{chance.choice(FAIL_POINTS)}:{chance.randint(1, 30)}:kill"
    target.spawn()
    with contextlib.suppress(subprocess.TimeoutExpired):  # the fail point was not reached that often
        target.process.wait(timeout=3)
    target.environment.clear()
    target.kill()
    target.start()


def _poison(target: Target, chance: random.Random) -> None:
    assert isinstance(target, Proxied)
    poison(target.kafka_address, target.security, chance)


CLIENTS_NETWORK = (
    Fault("clients: cut", _network("clients", "cut", (0, 0.1)), 5),
    Fault("clients: refuse", _network("clients", "refuse", (0.3, 1)), 1),
    Fault("clients: reply lost", _network("clients", "drop_reply", (0.3, 1))),
    Fault("clients: half open", _network("clients", "half_open", (0.5, 2)), 1),
)
EMBEDDED = (
    *CLIENTS_NETWORK,
    Fault("up: kill -9", _restart_up(signal.SIGKILL)),
    Fault("up: SIGTERM", _restart_up(signal.SIGTERM), 1),
    Fault("up: fail-point", _die_at_a_fail_point, 1),
    Fault("up: SIGSTOP", _freeze("up", (0.3, 1.5))),
    Fault("up: disk full", _full_disk("up"), 1),
)
STACK = (
    *CLIENTS_NETWORK,
    *(Fault(f"{name}: kill -9", _kill(name), 3 if "projector" in name else 1) for name in (*SERVICES, *REPLAYING)),
    Fault("supervisor: kill -9", _kill_the_supervisor, 1),
    *(Fault(f"{name}: SIGTERM", _terminate(name), 1) for name in SERVICES[:3]),
    *(Fault(f"{name}: SIGSTOP", _freeze(name, (0.5, 6)), 1) for name in (*SERVICES, *REPLAYING)),
    *(Fault(f"{name}: cut", _network(name, "cut", (0, 0.1))) for name in ("kafka", "store")),
    *(Fault(f"{name}: refuse", _network(name, "refuse", (0.5, 5)), 1) for name in ("kafka", "store")),
    *(Fault(f"{name}: half open", _network(name, "half_open", (0.5, 5)), 1) for name in ("kafka", "store")),
    *(Fault(f"{name}: reply lost", _network(name, "drop_reply", (0.3, 2))) for name in ("kafka", "store")),
    *(Fault(f"{name}: slow", _slow(name), 1) for name in ("kafka", "store")),
    Fault("store: refusing", _refusing_store, 1),
    Fault("poison", _poison, 1),
)


def faults_of(target: Target) -> tuple[Fault, ...]:
    """Return the faults that can strike this kind of target."""
    return EMBEDDED if isinstance(target, Embedded) else STACK
