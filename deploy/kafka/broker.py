"""One Kafka broker from jars: a KRaft node that is broker and controller in one, on 127.0.0.1 only.

With one node `acks=all` means the page cache: records survive a killed broker, not a power cut.
"""

import base64
import subprocess
import time
import uuid
from pathlib import Path
from signal import SIGKILL

import msgspec

from deploy.child import write_whole
from deploy.kafka import jars, probe
from deploy.ports import free_port
from deploy.private_files import UMASK, open_private, private_folder
from deploy.tethered import tethered

HOST = "127.0.0.1"
MIB = 1024 * 1024
LOG4J_CONFIG = Path(__file__).with_name("log4j2.xml")


class BrokerFailed(Exception):
    """Java and the jars are there, but the broker does not run; the message says where to look."""


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one broker needs to know. Everything it writes is below `data_dir`."""

    data_dir: Path
    port: int
    controller_port: int
    advertised_port: int = 0  # where clients are told to connect, if something stands in front; 0: the port itself
    heap_mib: int = 512
    message_bytes_max: int = 8 * MIB  # our batches end at 1 MiB; hostile records of 5 MB must get in to be set aside

    @property
    def properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def log_dir(self) -> Path:
        """The records."""
        return self.data_dir / "records"

    @property
    def log_file(self) -> Path:
        """What the broker says about itself."""
        return self.data_dir / "broker.log"


def properties(settings: BrokerSettings) -> dict[str, str]:
    """The content of `server.properties`."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{HOST}:{settings.port},CONTROLLER://{HOST}:{settings.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{settings.advertised_port or settings.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{HOST}:{settings.controller_port}",
        "log.dirs": str(settings.log_dir.resolve()),
        "message.max.bytes": str(settings.message_bytes_max),
        **KEPT_FOR_EVER,
        **ONE_NODE,
    }


# The log is the truth: nothing in it expires, and a topic exists only if `provision` made it.
KEPT_FOR_EVER = {
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": str(365 * 24 * 60),  # an installation that rested over a holiday resumes where it was
}
ONE_NODE = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "500",  # workers that start together share one rebalance
    "log.cleaner.dedupe.buffer.size": str(16 * MIB),
    # A broker killed with -9 is let in again when its old registration has expired: 5 s instead of 12 s (measured).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


def prepare(settings: BrokerSettings) -> None:
    """Write the configuration, and format the data directory the first time.

    Raises `KafkaUnavailable`, `BrokerFailed`.
    """
    private_folder(settings.data_dir)
    lines = [f"{name}={value}\n" for name, value in properties(settings).items()]
    write_whole(settings.properties_file, "".join(lines))
    # The format writes this file last, so a format that was cut short is done again.
    if not (settings.log_dir / "meta.properties").exists():
        _format(settings)


def command(settings: BrokerSettings) -> list[str]:
    """The command line that runs the broker in the foreground; `prepare` comes first. Raises `KafkaUnavailable`."""
    memory = ["-Xms128m", f"-Xmx{settings.heap_mib}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
    return [*_java(settings, *memory), "kafka.Kafka", str(settings.properties_file)]


def _java(settings: BrokerSettings, *options: str) -> list[str]:
    logging = [f"-Dlog4j2.configurationFile={LOG4J_CONFIG}", f"-Dcrewkit.kafka.log={settings.log_file}"]
    return [jars.java(), *options, "-Djava.awt.headless=true", *logging, "-cp", f"{jars.jars()}/*"]


def _format(settings: BrokerSettings) -> None:
    tool = ["kafka.tools.StorageTool", "format", "-t", _new_cluster_id(), "-c", str(settings.properties_file)]
    line = [*_java(settings), *tool]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, umask=UMASK)  # noqa: S603 (fixed arguments)
    if done.returncode != 0:
        raise BrokerFailed(f"could not format {settings.data_dir} for Kafka:\n{(done.stdout + done.stderr)[-2000:]}")


def _new_cluster_id() -> str:
    """Kafka's spelling of a UUID; a `-` in front would be read as an option, hence the fixed first bits."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


class Broker:
    """A broker process that may be started, killed and started again on the same data and port.

    It dies with the process that started it; start it from the main thread (see `tethered.py`).
    """

    def __init__(
        self, data_dir: Path, port: int | None = None, controller_port: int | None = None, advertised_port: int = 0
    ) -> None:
        self.settings = BrokerSettings(
            data_dir=data_dir,
            port=port or free_port(),
            controller_port=controller_port or free_port(),
            advertised_port=advertised_port,
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.settings.port}"

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def command(self) -> list[str]:
        """Prepare the data directory; the command line that a supervisor runs. Raises as `prepare` does."""
        prepare(self.settings)
        return command(self.settings)

    def start(self, *, timeout_s: float = 60.0) -> None:
        """Start and wait until it serves. Raises `KafkaUnavailable`, `BrokerFailed`."""
        line = tethered(self.command(), SIGKILL)
        with open(self.settings.data_dir / "console.log", "ab", opener=open_private) as console:
            self._process = subprocess.Popen(  # noqa: S603 (fixed arguments)
                line, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True, umask=UMASK
            )
        self.wait_ready(timeout_s=timeout_s)

    def wait_ready(self, *, timeout_s: float = 60.0) -> None:
        """Return once it serves. Raises `BrokerFailed` when it has died or takes longer."""
        deadline = time.monotonic() + timeout_s
        while not probe.serves(HOST, self.settings.port):
            if not self.running or time.monotonic() > deadline:
                raise BrokerFailed(f"Kafka did not come up; its logs are in {self.settings.data_dir}")
            time.sleep(0.05)

    def stop(self, *, timeout_s: float = 20.0) -> None:
        """Ask it to end (SIGTERM) and wait; kill it when that takes longer."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as the kernel would on a bad day; the records stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
