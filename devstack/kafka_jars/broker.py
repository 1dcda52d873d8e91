"""One Kafka broker from jars: a KRaft node that is both broker and controller, on 127.0.0.1 only.

Any account on this machine can connect to 127.0.0.1, so with `users` both listeners require a password. Passwords are
only in files of mode 600: every account can read command lines, including those of Kafka's tools.
With one node, `acks=all` means the page cache: records survive a killed broker, but not a power cut.
"""

import base64
import contextlib
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM

import msgspec

from devstack.kafka_jars import jars, probe
from devstack.kafka_jars.probe import Login
from devstack.kafka_jars.users import BrokerUsers, controller_login, hidden_properties, sasl_properties
from devstack.supervisor.process import Process
from ingest.log.atomic_write import write_whole
from runtime.services.ports import free_port
from runtime.settings.private_files import UMASK, private_folder
from runtime.settings.stack_folder import KAFKA_MECHANISM, KAFKA_USER

HOST = "127.0.0.1"
MIB = 1024 * 1024
MESSAGE_BYTES_MAX = 8 * MIB  # our batches end at 1 MiB; hostile records of 5 MB must get in to be set aside
MEMORY = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
TOOL_S = 90.0
RECORD_S = 60.0
LEARN_TRIES = 3  # the tool waits for a minute; a broker that was killed may need longer to recover its log
LOG4J_CONFIG = Path(__file__).with_name("log4j2.xml")
# The log is the source of truth: nothing in it expires, and a topic exists only if `provision` created it.
NEVER_EXPIRE = {
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": str(365 * 24 * 60),  # an installation stopped over a holiday resumes where it stopped
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
    # After kill -9 a broker can register again only once its old registration expires: 5 s instead of 12 s (measured).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # By default the controller writes an empty record twice a second, a third of what an idle broker costs (measured).
    "metadata.max.idle.interval.ms": "0",
}


class BrokerFailed(Exception):
    """Java and the jars are installed, but the broker does not run; the message says where to look."""


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one broker. Everything it writes is below `data_dir`."""

    data_dir: Path
    port: int
    controller_port: int
    advertised_port: int = 0  # the port clients connect to, if a proxy is in front; 0: `port`
    users: BrokerUsers | None = None  # None: any client may do anything, as in tests

    @property
    def properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def users_file(self) -> Path:
        """The file with the digest of the password in the metadata."""
        return self.data_dir / "users"

    @property
    def login(self) -> Login | None:
        """The clients' user and password."""
        return None if self.users is None else Login(KAFKA_USER, self.users.password)

    @property
    def log_dir(self) -> Path:
        """The folder of the records."""
        return self.data_dir / "records"

    @property
    def log_file(self) -> Path:
        """The broker's own log."""
        return self.data_dir / "broker.log"


def properties(settings: BrokerSettings) -> dict[str, str]:
    """Return the content of `server.properties`."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"CLIENTS://{HOST}:{settings.port},CONTROLLER://{HOST}:{settings.controller_port}",
        "advertised.listeners": f"CLIENTS://{HOST}:{settings.advertised_port or settings.port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{HOST}:{settings.controller_port}",
        "log.dirs": str(settings.log_dir.resolve()),
        "message.max.bytes": str(MESSAGE_BYTES_MAX),
        **NEVER_EXPIRE,
        **ONE_NODE,
        **(sasl_properties(settings.users) | {"delete.topic.enable": "false"} if settings.users else {}),
    }


def prepare(settings: BrokerSettings) -> None:
    """Write the configuration, format the data directory the first time, and store the users' credentials.

    The first broker of this account makes the archive of its classes, which takes a few seconds.
    Raises `KafkaUnavailable`, `BrokerFailed`.
    """
    jars.make_archive_once(_record_classes)
    _prepare(settings)


def _prepare(settings: BrokerSettings) -> None:
    users, users_file = settings.users, settings.users_file
    private_folder(settings.data_dir)
    _write_properties(settings.properties_file, properties(settings))
    # Formatting writes this file last, so an interrupted run is repeated.
    if not (settings.log_dir / "meta.properties").exists():
        _format(settings)
    elif users is not None and not (users_file.exists() and users_file.read_text() == users.digest):
        _replace_password(settings, users)
    if users is not None:
        write_whole(users_file, users.digest)


def _write_properties(file: Path, content: Mapping[str, str]) -> None:
    write_whole(file, "".join(f"{name}={value}\n" for name, value in content.items()))


def command(settings: BrokerSettings, *options: str, properties_file: Path | None = None) -> list[str]:
    """Return the command that runs the broker in the foreground; call `prepare` first. Raises `KafkaUnavailable`."""
    java = jars.jvm(*options, *MEMORY, *_logging(settings))
    return [*java, "kafka.Kafka", str(properties_file or settings.properties_file)]


def _logging(settings: BrokerSettings) -> list[str]:
    files = [f"-Dlog4j2.configurationFile={LOG4J_CONFIG}", f"-Dcrewkit.kafka.log={settings.log_file}"]
    return ["-Djava.awt.headless=true", *files]


def _record_classes(into: Path) -> bool:
    """Run a broker without data until it serves; its JVM writes the archive when it ends."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            _prepare(broker.settings)
            # The archive doesn't exist yet, so this command line names none.
            broker.launch(command(broker.settings, f"-XX:ArchiveClassesAtExit={into}"))
            broker.wait_ready()
            return broker.stop(timeout_s=RECORD_S)
        except BrokerFailed:
            return False
        finally:
            broker.kill()


def _format(settings: BrokerSettings) -> None:
    # A UUID in Kafka's format. It begins with a letter: a leading `-` would be read as an option.
    cluster_id = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
    words = ["format", "-t", cluster_id, "-c", str(settings.properties_file)]
    if settings.users is not None:
        words += ["--add-scram", f"{KAFKA_MECHANISM}=[name={KAFKA_USER},password={settings.users.password}]"]
    with _scratch(settings) as scratch:
        write_whole(scratch / "words", "".join(f"{word}\n" for word in words))
        done = _run_tool(settings, "kafka.tools.StorageTool", f"@{scratch / 'words'}")
    if done.returncode != 0:
        raise BrokerFailed(f"could not format {settings.data_dir} for Kafka:\n{(done.stdout + done.stderr)[-2000:]}")


def _replace_password(settings: BrokerSettings, users: BrokerUsers) -> None:
    """Write the clients' password into metadata of a broker that had no users, or another password.

    Only a running broker can do that, so one runs for a few seconds on a port that no client knows.
    """
    hidden = msgspec.structs.replace(settings, port=free_port(HOST), advertised_port=0)
    with _scratch(settings) as scratch:
        _write_properties(scratch / "server", properties(hidden) | hidden_properties(users))
        _write_properties(scratch / "login", controller_login(users))
        write_whole(scratch / "credentials", f"{KAFKA_MECHANISM}=password={users.password}\n")
        process = Process(command(settings, properties_file=scratch / "server"), {}, scratch / "console", SIGKILL)
        try:
            _send_password(hidden, scratch, process)
        finally:
            process.stop(SIGTERM, limit_s=20.0)


def _send_password(hidden: BrokerSettings, scratch: Path, process: Process) -> None:
    """Send the clients' password to a broker that is starting. Raises `BrokerFailed`."""
    where = ["--bootstrap-server", f"{HOST}:{hidden.port}", "--command-config", str(scratch / "login")]
    whom = ["--alter", "--entity-type", "users", "--entity-name", KAFKA_USER]
    what = ["--add-config-file", str(scratch / "credentials")]
    for _ in range(LEARN_TRIES):
        done = _run_tool(hidden, "org.apache.kafka.tools.ConfigCommand", *where, *whom, *what)
        if done.returncode == 0:
            return
        if process.exit_code() is not None:
            break
    output = (done.stdout + done.stderr)[-2000:]
    raise BrokerFailed(f"could not give Kafka its password; its log is {hidden.log_file}:\n{output}")


@contextlib.contextmanager
def _scratch(settings: BrokerSettings) -> Iterator[Path]:
    """Create a folder of mode 700 for files with passwords that a tool reads, and remove it afterwards."""
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
        yield Path(folder)


def _run_tool(settings: BrokerSettings, tool: str, *words: str) -> "subprocess.CompletedProcess[str]":
    line = [*jars.jvm(*_logging(settings)), tool, *words]
    try:
        return subprocess.run(line, capture_output=True, text=True, timeout=TOOL_S, check=False, umask=UMASK)  # noqa: S603 (fixed arguments)
    except subprocess.TimeoutExpired as error:
        raise BrokerFailed(f"{tool} did not end within {TOOL_S:.0f} s; Kafka's log is {settings.log_file}") from error


class Broker:
    """A broker process that can be started, killed and restarted with the same data and port.

    It dies with the process that started it; start it from the main thread (see `die_with_parent.py`).
    """

    def __init__(self, data_dir: Path, port: int | None = None, users: BrokerUsers | None = None) -> None:
        self.settings = BrokerSettings(
            data_dir=data_dir, port=port or free_port(), controller_port=free_port(), users=users
        )
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        """The `host:port` for clients."""
        return f"{HOST}:{self.settings.port}"

    @property
    def pid(self) -> int | None:
        """The pid of the running process, or None."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.exit_code() is None

    def command(self) -> list[str]:
        """Prepare the data directory and return the command of the broker. Raises as `prepare` does."""
        prepare(self.settings)
        return command(self.settings)

    def start(self) -> None:
        """Start and wait until it serves. Raises `KafkaUnavailable`, `BrokerFailed`."""
        self.launch()
        self.wait_ready()

    def launch(self, line: Sequence[str] | None = None) -> None:
        """Start the process, with another command line if given. Raises `KafkaUnavailable`, `BrokerFailed`."""
        self._process = Process(line or self.command(), {}, self.settings.data_dir / "console.log", SIGKILL)

    def wait_ready(self, *, timeout_s: float = 60.0) -> None:
        """Return once it serves. Raises `BrokerFailed` if it dies or takes longer."""
        deadline = time.monotonic() + timeout_s
        while not probe.serves(HOST, self.settings.port, self.settings.login):
            if not self.running or time.monotonic() > deadline:
                raise BrokerFailed(f"Kafka did not start; its logs are in {self.settings.data_dir}")
            time.sleep(0.05)

    def stop(self, *, timeout_s: float = 20.0) -> bool:
        """Send SIGTERM and wait; kill the broker if that takes longer than `timeout_s`. Return whether it ended."""
        return self._process is None or self._process.stop(SIGTERM, timeout_s)

    def kill(self) -> None:
        """Send SIGKILL; the records stay."""
        if self._process is not None:
            self._process.kill()
