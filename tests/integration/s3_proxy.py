"""A real S3 server for the tests, on loopback, from jars: it checks signatures and the conditions of writes."""

import socket
import subprocess
from contextlib import closing
from pathlib import Path

from devstack.kafka_jars.jars import JarSet, java
from runtime.services.ports import free_port
from tests.support.rigs.ending import end_process
from tests.support.rigs.kafka import need_jars
from tests.support.waiting import eventually

HOST, KEY, SECRET = "127.0.0.1", "a-key-id", "a-secret-key"
S3_PROXY = JarSet("S3Proxy", "4.1.0", Path(__file__).with_suffix(".xml"), "s3proxy-*.jar")


class S3Proxy:
    """One server with the bucket ``backups``. Skips without Java or the jars; `REQUIRE_KAFKA=1` requires both."""

    def __init__(self, folder: Path) -> None:
        self._classes, self._folder, self._port = need_jars(S3_PROXY), folder, free_port()
        self.bucket = folder / "objects" / "backups"
        self.bucket.mkdir(parents=True)
        (folder / "s3.properties").write_text(
            f"s3proxy.endpoint=http://{HOST}:{self._port}\ns3proxy.authorization=aws-v4\n"
            f"s3proxy.identity={KEY}\ns3proxy.credential={SECRET}\n"
            f"jclouds.provider=filesystem-nio2\njclouds.filesystem.basedir={folder / 'objects'}\n"
        )
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which the AWS tools would use it."""
        endpoint = f"http://{HOST}:{self._port}"
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": endpoint}

    def start(self) -> None:
        """Start it on the same port, with the objects that are there."""
        main = "org.gaul.s3proxy.Main"
        command = [java(), "-Xmx256m", "-cp", f"{self._classes}/*", main, "--properties", "s3.properties"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder
        )
        eventually(self._listens, within_s=60)

    def _listens(self) -> bool:
        with closing(socket.socket()) as client:
            return client.connect_ex((HOST, self._port)) == 0

    def end(self) -> None:
        """Stop it, in any state."""
        end_process(self._process)
