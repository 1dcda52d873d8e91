"""The production layout on one machine: Kafka, store server, two projectors and the HTTP services, with a supervisor.

Production has three brokers, a ClickHouse server and a proxy; our code and our processes are the same.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from signal import SIGTERM
from types import MappingProxyType
from typing import Self

import msgspec

from devstack.generations import GenerationWatch
from devstack.kafka_jars import broker, probe
from devstack.kafka_jars.broker import BrokerFailed, BrokerSettings
from devstack.kafka_jars.jars import KafkaUnavailable
from devstack.kafka_jars.users import BrokerUsers
from devstack.supervisor.services import Plan, Report, Step, SupervisedService
from devstack.supervisor.supervisor import AlreadySupervised, DidNotComeUp, Supervisor
from runtime.services.http_probe import answers_200, get
from runtime.services.ports import free_ports, reachable
from runtime.settings.private_files import private_data_folder
from runtime.settings.secrets import read_or_make_secret
from runtime.settings.stack_folder import (
    KAFKA_PASSWORD,
    LOCAL,
    STORE_PASSWORD,
    STORE_USER,
    Ports,
    kafka_security,
    load_ports,
    save_ports,
    secret_file,
    settings_for,
)
from runtime.settings.store_url import parse_store_url
from schemas.log.kafka_security import KafkaSecurity
from store.generations import FIRST_GENERATION

PARTITIONS = 4
MADE_WITH = ("--partitions", str(PARTITIONS), "--replication", "1")  # there is one broker
PROJECTORS = 2
STORE_READER, _READER_PASSWORD = "reader", "reader-password"
OK, FAILED, SERVICE_AWAY = 0, 1, 69
_ASSIGNED = re.compile(rb"^crewkit_projector_assigned_partitions(?:{.*})? (\S+)$", re.MULTILINE)


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """One stack: its directory, its address, and what its processes need to find each other."""

    data: Path
    host: str
    port: int
    ports: Ports
    store_password: str
    reader_password: str
    kafka_users: BrokerUsers
    http_env: Mapping[str, str] = {}
    admin: tuple[str, int] | None = None  # the address of the HTTP service's health and metrics, if separate

    @classmethod
    def on(
        cls,
        data: Path,
        host: str,
        port: int,
        http_env: Mapping[str, str] = MappingProxyType({}),
        admin: tuple[str, int] | None = None,
    ) -> Self:
        """Return the stack of a data directory; ports and passwords are created the first time, then read.

        Raises `BadSettings` if other accounts can read a password.
        """
        return cls(
            data=data,
            host=host,
            port=port,
            ports=_load_or_choose_ports(data),
            store_password=_secret(data, STORE_PASSWORD),
            reader_password=_secret(data, _READER_PASSWORD),
            kafka_users=BrokerUsers(
                password=_secret(data, KAFKA_PASSWORD),
                controller_password=_secret(data, "kafka-controller-password"),
            ),
            http_env=http_env,
            admin=admin,
        )

    @property
    def env(self) -> dict[str, str]:
        """The settings of log and store for our processes that write to the store."""
        return self._env(STORE_USER, STORE_PASSWORD)

    @property
    def reading_env(self) -> dict[str, str]:
        """The same for processes that only read the store: their user can't write."""
        return self._env(STORE_READER, _READER_PASSWORD)

    def _env(self, user: str, password: str) -> dict[str, str]:
        return settings_for(self.data, self.ports, user, password)

    @property
    def store_url(self) -> str:
        """The store's URL with the writers' password: only for use in this process."""
        return f"clickhouse://{STORE_USER}:{self.store_password}@{LOCAL}:{self.ports.store}"

    @property
    def security(self) -> KafkaSecurity:
        """How our processes log in at the broker."""
        return kafka_security(self.data)

    @property
    def kafka(self) -> BrokerSettings:
        return BrokerSettings(
            data_dir=self.data / "kafka",
            port=self.ports.kafka,
            controller_port=self.ports.controller,
            users=self.kafka_users,
        )

    def ours(self, *arguments: str) -> list[str]:
        """Return the command line of `crewkit-sessions ARGUMENTS --data DIR`."""
        command, *options = arguments
        # -P: do not import a foreign `cli` folder in the working directory.
        return [sys.executable, "-P", "-m", "cli", command, "--data", str(self.data), *options]


Compose = Callable[[Stack, GenerationWatch], Sequence[Step]]


def production_shape(stack: Stack, watch: GenerationWatch) -> list[Step]:
    """Prepare the broker's data folder; return the steps in start order. Raises `KafkaUnavailable`, `BrokerFailed`."""
    kafka = stack.kafka
    broker.prepare(kafka)
    store = (LOCAL, stack.ports.store)
    front = (stack.host, stack.port)
    return [
        SupervisedService(
            name="kafka",
            command=broker.command(kafka),
            listens=(broker.HOST, kafka.port),
            ready=lambda: probe.serves(broker.HOST, kafka.port, kafka.login),
            death_signal=SIGTERM,  # after a clean end the next start need not recover the logs
        ),
        SupervisedService(
            name="store-server",
            command=stack.ours("store-server", "--host", LOCAL, "--port", str(stack.ports.store)),
            env=stack.env,
            listens=store,
            ready=lambda: answers_200(*store, "/ping"),
        ),
        provision(stack),
        keeper(stack),
        watch.start,
        SupervisedService(
            name="serve",
            command=stack.ours("serve", "--host", stack.host, "--port", str(stack.port)),
            env={**stack.reading_env, "DEV_TOKENS": "1", **stack.http_env},
            listens=front,
            after=lambda: follows_everything(stack, watch),  # no client can connect before
            ready=lambda: answers_200(*(stack.admin or front), "/livez"),
            stop_s=9.0,  # an append may take 8 s, and its client must get a response
        ),
    ]


def provision(stack: Stack) -> SupervisedService:
    """Return the service that creates what is missing, and creates and drops generations on request."""
    return SupervisedService(name="provision", command=stack.ours("provision", *MADE_WITH), env=stack.env, once=True)


def keeper(stack: Stack) -> SupervisedService:
    """Return the process that archives and trims the log."""
    options = ("--host", LOCAL, "--metrics-port", str(keeper_port(stack.data)))
    return SupervisedService(name="keeper", command=stack.ours("keeper", *options), env=stack.env)


def follow(stack: Stack, watch: GenerationWatch) -> list[SupervisedService]:
    """Return the projectors of all generations to follow, and `provision` if it has work to do."""
    wanted = watch.wanted
    services = [projector(stack, name, instance) for name in wanted.followed for instance in range(PROJECTORS)]
    return [*services, provision(stack)] if wanted.is_provisioning_needed else services


def projector(stack: Stack, generation: str, instance: int) -> SupervisedService:
    """Return one projector worker; the instance is its static membership in the generation's consumer group."""
    port = metrics_ports(stack.data, generation)[instance]
    options = ("--generation", generation, "--instance", str(instance), "--host", LOCAL, "--metrics-port", str(port))
    of = "" if generation == FIRST_GENERATION else f"{generation}-"
    return SupervisedService(
        name=f"projector-{of}{instance}", command=stack.ours("processors", *options), env=stack.env
    )


def run_stack(
    data: Path,
    host: str,
    port: int,
    *,
    report: Report,
    on_ready: Callable[[], None] = lambda: None,
    http_env: Mapping[str, str] = MappingProxyType({}),
    admin: tuple[str, int] | None = None,
    compose: Compose = production_shape,
    adapt: Callable[[Stack], Stack] = lambda stack: stack,
) -> int:
    """Run the stack until SIGTERM or SIGINT; return the exit code. Main thread only.

    `report` receives lines to show; `on_ready` is called once everything is up. `http_env` is only for the HTTP
    services; `admin` is the address of their health and metrics, if it differs from `port`. Tests replace `compose` and
    `adapt`.
    Raises `BadSettings` if other accounts would share the data folder.
    """
    data = data.resolve()
    private_data_folder(data)

    def begin() -> Plan:
        stack = adapt(Stack.on(data, host, port, http_env, admin))
        watch = GenerationWatch(parse_store_url(stack.store_url))
        return Plan(compose(stack, watch), partial(follow, stack, watch))

    def ready() -> None:
        _report_metrics(data, admin, report)
        on_ready()

    try:
        return Supervisor(data, report=report).run(begin, on_ready=ready)
    except AlreadySupervised as reason:
        report(f"Error: {reason}")
        return FAILED
    except (DidNotComeUp, KafkaUnavailable, BrokerFailed) as reason:
        report(f"Error: {reason}")
        return SERVICE_AWAY


def follows_everything(stack: Stack, watch: GenerationWatch) -> bool:
    """Return whether the live generation follows every partition: until then, a rebalance would hold up new records.

    A live generation that this code can't project is not waited for: reads still use it.
    """
    wanted = watch.wanted
    if wanted.live not in wanted.followed:
        return bool(wanted.live)
    metrics = [get(LOCAL, port, "/metrics") or b"" for port in metrics_ports(stack.data, wanted.live)]
    return sum(float(found[1]) for found in map(_ASSIGNED.search, metrics) if found) == PARTITIONS


def _load_or_choose_ports(data: Path) -> Ports:
    chosen = load_ports(data)
    if chosen is not None:
        return chosen
    kafka, controller, store = free_ports(3, LOCAL)
    return save_ports(data, Ports(kafka=kafka, controller=controller, store=store))


def metrics_ports(data: Path, generation: str) -> tuple[int, ...]:
    """Return the metrics ports of a generation's projectors; they are chosen once."""
    ports = _load_or_choose_ports(data)
    if generation not in ports.metrics:
        chosen = tuple(free_ports(PROJECTORS, LOCAL))
        ports = save_ports(data, msgspec.structs.replace(ports, metrics={**ports.metrics, generation: chosen}))
    return ports.metrics[generation]


def keeper_port(data: Path) -> int:
    """Return the keeper's metrics port; it is chosen once."""
    ports = _load_or_choose_ports(data)
    if not ports.keeper:
        (chosen,) = free_ports(1, LOCAL)
        ports = save_ports(data, msgspec.structs.replace(ports, keeper=chosen))
    return ports.keeper


def _secret(data: Path, name: str) -> str:
    return read_or_make_secret(secret_file(data, name))


def _report_metrics(data: Path, admin: tuple[str, int] | None, report: Report) -> None:
    ports = [port for of_one in _load_or_choose_ports(data).metrics.values() for port in of_one]
    ports.append(keeper_port(data))
    at = " and ".join(f"http://{LOCAL}:{port}/metrics" for port in ports)
    of_http = f"http://{reachable(admin[0])}:{admin[1]}/metrics" if admin else "/metrics of the address below"
    report(f"metrics: {of_http}, and those of the projectors and the keeper at {at}")
