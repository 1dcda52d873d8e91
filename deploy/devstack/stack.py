"""The production shape on one machine: Kafka, store server, two projectors and the HTTP services under one supervisor.

The real thing has three brokers, a ClickHouse server and a proxy; the code and the processes of ours are the same.
"""

import http.client
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGTERM
from types import MappingProxyType
from typing import Self

import msgspec

from deploy.devstack.kafka_jars import broker, probe
from deploy.devstack.kafka_jars.broker import BrokerFailed, BrokerSettings
from deploy.devstack.kafka_jars.jars import KafkaUnavailable
from deploy.devstack.kafka_jars.users import CLIENT_USER, MECHANISM, BrokerUsers
from deploy.devstack.supervisor.services import Job, Service, Step
from deploy.devstack.supervisor.supervised_process import Say
from deploy.devstack.supervisor.supervisor import AlreadySupervised, DidNotComeUp, Supervisor
from kernel.atomic_write import write_whole
from kernel.ports import free_ports
from runtime.private_files import private_data_folder
from runtime.secrets import read_or_make_secret
from schemas.log.kafka_security import KafkaSecurity
from schemas.log.topics import TOPIC

LOCAL = "127.0.0.1"
PARTITIONS = 4
MADE_WITH = ("--partitions", str(PARTITIONS), "--replication", "1")  # there is one broker
PROJECTORS = 2
STORE_USER, STORE_READER = "crewkit", "reader"
OK, FAILED, SERVICE_AWAY = 0, 1, 69
_ASSIGNED = re.compile(rb"^crewkit_projector_assigned_partitions (\S+)$", re.MULTILINE)


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The inner ports, all on 127.0.0.1; chosen once for a data directory."""

    kafka: int
    controller: int
    store: int
    metrics: tuple[int, ...] = ()  # of each projector


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """One stack: its directory, where it serves, and what its processes need to find each other."""

    data: Path
    host: str
    port: int
    ports: Ports
    store_password: str
    reader_password: str
    kafka_users: BrokerUsers
    http_env: Mapping[str, str] = {}
    admin: tuple[str, int] | None = None  # where health and metrics of the HTTP service are, if apart

    @classmethod
    def on(
        cls,
        data: Path,
        host: str,
        port: int,
        http_env: Mapping[str, str] = MappingProxyType({}),
        admin: tuple[str, int] | None = None,
    ) -> Self:
        """The stack of a data directory; ports and passwords are made the first time, then found again.

        Raises `BadSettings` where other accounts can read a password.
        """
        secrets = data / "secrets"
        return cls(
            data=data,
            host=host,
            port=port,
            ports=_kept_ports(data),
            store_password=read_or_make_secret(secrets / "store-password"),
            reader_password=read_or_make_secret(secrets / "reader-password"),
            kafka_users=BrokerUsers(
                password=read_or_make_secret(_kafka_password_file(data)),
                controller_password=read_or_make_secret(secrets / "kafka-controller-password"),
            ),
            http_env=http_env,
            admin=admin,
        )

    @property
    def env(self) -> dict[str, str]:
        """What chooses log and store in every process of ours that writes to the store."""
        return self._env(STORE_USER, "store-password")

    @property
    def reading_env(self) -> dict[str, str]:
        """The same for those that only read it: a user who can't write."""
        return self._env(STORE_READER, "reader-password")

    @property
    def store_url(self) -> str:
        """The store with the password of its writers: for use in this process alone."""
        return f"clickhouse://{STORE_USER}:{self.store_password}@{LOCAL}:{self.ports.store}"

    def _env(self, user: str, password_file: str) -> dict[str, str]:
        return {
            "LOG_URL": f"kafka://{LOCAL}:{self.ports.kafka}/{TOPIC}",
            "STORE_URL": f"clickhouse://{user}@{LOCAL}:{self.ports.store}",
            "STORE_PASSWORD_FILE": str(self.data / "secrets" / password_file),
            "KAFKA_SECURITY": self.security.protocol,
            "KAFKA_SASL_MECHANISM": self.security.mechanism,
            "KAFKA_USER": self.security.user,
            "KAFKA_PASSWORD_FILE": str(_kafka_password_file(self.data)),
        }

    @property
    def security(self) -> KafkaSecurity:
        """Who our processes are at the broker."""
        return KafkaSecurity("sasl_plaintext", MECHANISM, CLIENT_USER, self.kafka_users.password)

    @property
    def kafka(self) -> BrokerSettings:
        return BrokerSettings(
            data_dir=self.data / "kafka",
            port=self.ports.kafka,
            controller_port=self.ports.controller,
            users=self.kafka_users,
        )

    def ours(self, *arguments: str) -> list[str]:
        """The command line of `crewkit-sessions ARGUMENTS --data DIR`."""
        command, *options = arguments
        # -P: if there is a folder `cli` where we were started, it is not ours.
        return [sys.executable, "-P", "-m", "cli", command, "--data", str(self.data), *options]


Compose = Callable[[Stack], Sequence[Step]]


def production_shape(stack: Stack) -> list[Step]:
    """What runs, in the order of its start."""
    store = (LOCAL, stack.ports.store)
    front = (stack.host, stack.port)
    return [
        kafka_service(stack.kafka),
        Service(
            name="store-server",
            command=stack.ours("store-server", "--host", LOCAL, "--port", str(stack.ports.store)),
            env=stack.env,
            listens=store,
            ready=lambda: answers_200(*store, "/ping"),
        ),
        Job(name="provision", command=stack.ours("provision", *MADE_WITH), env=stack.env),
        *(projector(stack, instance) for instance in range(PROJECTORS - 1)),
        # The last one is waited for, so that together they follow everything before anybody is let in.
        msgspec.structs.replace(projector(stack, PROJECTORS - 1), ready=lambda: follows_everything(stack)),
        Service(
            name="serve",
            command=stack.ours("serve", "--host", stack.host, "--port", str(stack.port)),
            env={**stack.reading_env, "DEV_TOKENS": "1", **stack.http_env},
            listens=front,
            ready=lambda: answers_200(*(stack.admin or front), "/livez"),
            stop_s=9.0,  # an append may take 8 s, and its client is owed an answer
        ),
    ]


def kafka_service(settings: BrokerSettings) -> Service:
    """The broker, its data directory prepared. Raises `KafkaUnavailable`, `BrokerFailed`."""
    broker.prepare(settings)
    return Service(
        name="kafka",
        command=broker.command(settings),
        listens=(broker.HOST, settings.port),
        ready=lambda: probe.serves(broker.HOST, settings.port, settings.login),
        death_signal=SIGTERM,  # a clean end spares the next start the recovery of its logs
    )


def projector(stack: Stack, instance: int) -> Service:
    """One projector worker; the instance is its static membership in the consumer group."""
    port = stack.ports.metrics[instance]
    command = stack.ours("processors", "--instance", str(instance), "--host", LOCAL, "--metrics-port", str(port))
    return Service(name=f"projector-{instance}", command=command, env=stack.env)


def run_stack(
    data: Path,
    host: str,
    port: int,
    *,
    say: Say,
    on_ready: Callable[[], None] = lambda: None,
    http_env: Mapping[str, str] = MappingProxyType({}),
    admin: tuple[str, int] | None = None,
    compose: Compose = production_shape,
) -> int:
    """Run the stack until SIGTERM or SIGINT; the exit code. Main thread only.

    `say` gets lines for people; `on_ready` is called once everything is up; `http_env` is for the HTTP services alone,
    and `admin` is where these have health and metrics, if that is not `port`.
    Raises `BadSettings` where the data folder can't be this account's alone.
    """
    data = data.resolve()
    private_data_folder(data)

    def ready() -> None:
        _say_metrics(data, admin, say)
        on_ready()

    try:
        return Supervisor(data, say=say).run(
            lambda: compose(Stack.on(data, host, port, http_env, admin)), on_ready=ready
        )
    except AlreadySupervised as reason:
        say(str(reason))
        return FAILED
    except (DidNotComeUp, KafkaUnavailable, BrokerFailed) as reason:
        say(str(reason))
        return SERVICE_AWAY


def stack_store_url(data: Path) -> str | None:
    """The store of the stack in ``data``, as its writers reach it while it runs; None where there is no stack."""
    if not _ports_file(data).exists():
        return None
    return Stack.on(data, LOCAL, 0).store_url


def follows_everything(stack: Stack) -> bool:
    """Whether every partition is assigned to one of the projectors; a rebalance would stop what comes in meanwhile."""
    return sum(map(_assigned, stack.ports.metrics)) == PARTITIONS


def _assigned(port: int) -> int:
    found = _ASSIGNED.search(_get(LOCAL, port, "/metrics") or b"")
    return int(float(found[1])) if found else 0


def answers_200(host: str, port: int, path: str, *, timeout_s: float = 1.0) -> bool:
    """Whether GET answers 200."""
    return _get(host, port, path, timeout_s) is not None


def _get(host: str, port: int, path: str, timeout_s: float = 1.0) -> bytes | None:
    """The body of a 200, else None. No HTTP client of the product here: proxies in the environment must not matter."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.read() if reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """An address that means every interface is for listening, not for calling."""
    return {"0.0.0.0": LOCAL, "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)


def _kept_ports(data: Path) -> Ports:
    """DIR/run/stack.json, so that after a restart clients find Kafka and the store where they were."""
    file = _ports_file(data)
    kept = msgspec.json.decode(file.read_bytes(), type=Ports) if file.exists() else None
    if kept is not None and len(kept.metrics) == PROJECTORS:
        return kept
    kafka, controller, store, *metrics = free_ports(3 + PROJECTORS, LOCAL)
    fresh = Ports(kafka=kafka, controller=controller, store=store)
    ports = msgspec.structs.replace(kept or fresh, metrics=tuple(metrics))
    write_whole(file, msgspec.json.encode(ports).decode())
    return ports


def _say_metrics(data: Path, admin: tuple[str, int] | None, say: Say) -> None:
    at = " and ".join(f"http://{LOCAL}:{port}/metrics" for port in _kept_ports(data).metrics)
    of_http = f"http://{_reachable(admin[0])}:{admin[1]}/metrics" if admin else "/metrics of the address below"
    say(f"metrics: {of_http}, and those of the projectors at {at}")


def _kafka_password_file(data: Path) -> Path:
    return data / "secrets" / "kafka-password"


def _ports_file(data: Path) -> Path:
    return data / "run" / "stack.json"
