"""The target of the faults: an installation, and the network around it."""

import resource
import signal
from pathlib import Path

import httpx

from devstack.stack import Stack
from devstack.store_server.conditions import DEDUPLICATION_WINDOW
from runtime.services.run_folder import write_address
from runtime.settings.stack_folder import LOCAL
from schemas.permissions import Role
from tests.support.fakes.store_refusals import StoreRefusals
from tests.support.fakes.tcp_proxy import TcpProxy
from tests.support.rigs.folder import largest_of
from tests.support.rigs.forked import PYTHON
from tests.support.rigs.installation import Installation

HOT_DAYS = "0.0005"  # the topic is trimmed after 43 s
UNLIMITED = resource.RLIM_INFINITY


class Target(Installation):
    """An installation whose clients connect through a proxy; ``proxies`` are the networks that can be broken."""

    mode: str

    def __init__(self, kind: str, data: Path) -> None:
        super().__init__(kind, data)
        self.front = TcpProxy(self.port)
        self.proxies = {"clients": self.front}

    def through_proxy(self, org: str, role: Role = "member") -> httpx.Client:
        """Return a client that is affected by faults of the clients' network."""
        client = self.client(role, org, timeout=12)
        client.base_url = httpx.URL(f"http://127.0.0.1:{self.front.port}")
        return client

    def disk_limit(self, pid: int, more: int | None) -> None:
        """Limit the files of the process to the size of its largest one plus ``more`` bytes; None lifts the limit.

        The largest file is the log, so the limit applies to the log. It must not hit the engine, which does not notice
        a failed write.
        """
        limit = UNLIMITED if more is None else largest_of(self.data) + more
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, UNLIMITED))

    def heal(self) -> None:
        """Let every network forward again, and resume every stopped process."""
        for proxy in self.proxies.values():
            proxy.heal()
        for pid in self.pids().values():
            self.send_to(pid, signal.SIGCONT)

    def end(self) -> None:
        super().end()
        for proxy in self.proxies.values():
            proxy.close()


class Embedded(Target):
    """`up`; only the test restarts it."""

    mode = "embedded"

    def __init__(self, data: Path) -> None:
        super().__init__("up", data)


class Proxied(Target):
    """`stack`, with a proxy in front of Kafka and of the store."""

    mode = "stack"

    def __init__(self, data: Path) -> None:
        super().__init__("stack", data)
        (data / "run").mkdir(parents=True, exist_ok=True)
        stack = Stack.on(data, LOCAL, self.port)
        self.security, ports = stack.security, stack.ports
        self.proxies |= {"kafka": TcpProxy(ports.kafka), "store": TcpProxy(ports.store)}
        self.refusals = StoreRefusals(data / "store-refusals.json")
        self.environment |= self.refusals.environment | {DEDUPLICATION_WINDOW: "1000"}  # as if it were replicated
        self.environment["HOT_DAYS"] = HOT_DAYS
        write_address(data, LOCAL, self.port)  # so that the commands find it

    def command_line(self) -> list[str]:
        proxies = [str(self.proxies[name].port) for name in ("kafka", "store")]
        return [*PYTHON, "tests.support.rigs.proxied_stack", str(self.data), str(self.port), *proxies]

    def heal(self) -> None:
        self.refusals.end()
        super().heal()

    @property
    def kafka_address(self) -> str:
        """Return the `host:port` that clients use."""
        return f"{LOCAL}:{self.proxies['kafka'].port}"
