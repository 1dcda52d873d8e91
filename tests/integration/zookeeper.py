"""A real ZooKeeper for the tests, on loopback, from jars: ClickHouse replicas coordinate through it."""

import socket
import subprocess
from pathlib import Path

from devstack.kafka_jars.jars import JarSet, java
from runtime.services.ports import free_port
from tests.support.rigs.ending import end_process
from tests.support.rigs.kafka import need_jars
from tests.support.waiting import eventually

HOST = "127.0.0.1"
ZOOKEEPER = JarSet("ZooKeeper", "3.9.5", Path(__file__).with_suffix(".xml"), "zookeeper-3.*.jar")
_MAIN = "org.apache.zookeeper.server.ZooKeeperServerMain"


class ZooKeeper:
    """One node, with its data in ``folder``. Skips without Java or the jars; `REQUIRE_KAFKA=1` requires both."""

    def __init__(self, folder: Path) -> None:
        classes = need_jars(ZOOKEEPER)
        command = [java(), "-Xmx128m", "-cp", f"{classes}/*", _MAIN, str(folder / "zoo.cfg")]
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "zoo.cfg").write_text(
            f"tickTime=500\ndataDir={folder / 'data'}\nclientPort={self.port}\nclientPortAddress={HOST}\n"
            "admin.enableServer=false\n4lw.commands.whitelist=ruok\n"
        )
        with (folder / "zookeeper.out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
        eventually(self._serves, within_s=60)

    def _serves(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                connection.sendall(b"ruok")
                return connection.recv(4) == b"imok"
        except OSError:
            return False

    def end(self) -> None:
        """Stop it, in any state."""
        end_process(self._process)
