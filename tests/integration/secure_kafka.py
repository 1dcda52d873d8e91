"""A real broker with ACLs and all kinds of listeners: TLS, mutual TLS, SASL with and without TLS, bad certificates."""

import base64
import json
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from devstack.kafka_jars import broker, jars
from devstack.kafka_jars.broker import HOST, Broker, BrokerSettings
from runtime.services.ports import free_ports
from runtime.settings.private_files import private_folder
from tests.support.rigs.certificates import HERE, Authority
from tests.support.waiting import eventually

PASSWORD = "p4ssw0rd-of-all-users"
SUPER = "us"
USERS = (SUPER, "nothing", "looks", "groupless", "crewkit-provision", "crewkit-ingest", "crewkit-projector")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER")
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"  # any UUID in Kafka's form
LISTENERS = ("plain", "tls", "mutual", "sasl", "sasl-tls", "expired", "stranger", "misnamed", "renamed")
_PROTOCOLS = {"plain": "PLAINTEXT", "sasl": "SASL_PLAINTEXT", "sasl-tls": "SASL_SSL"}
_SECURITY = "org.apache.kafka.common.security"


class SecureBroker(Broker):
    """One broker; `at` returns a listener's address. Clients of `plain`, `tls` and the user `us` have all rights."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "broker")
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS), HOST), strict=True))
        self.settings = BrokerSettings(
            data_dir=folder / "broker", port=self.ports["plain"], controller_port=free_ports(1, HOST)[0]
        )
        self.authority, self.stranger = Authority(folder, "authority"), Authority(folder, "stranger")

    def at(self, listener: str) -> str:
        """Return the `host:port` of a listener."""
        return f"{HOST}:{self.ports[listener]}"

    def wait_ready(self, *, timeout_s: float = 60.0) -> None:
        """Return once it serves and every listener accepts connections: Kafka opens them one after the other."""
        super().wait_ready(timeout_s=timeout_s)
        for port in self.ports.values():
            eventually(partial(_accepts, port), within_s=timeout_s)

    def command(self) -> list[str]:
        """Format the data folder with all users, and return the command line."""
        private_folder(self.settings.data_dir)
        file = self.settings.properties_file
        broker._write_properties(file, broker.properties(self.settings) | self._properties())
        words = ["format", "-t", CLUSTER_ID, "-c", str(file)]
        for user in USERS:
            for mechanism in MECHANISMS[:2]:
                words += ["--add-scram", f"{mechanism}=[name={user},password={PASSWORD}]"]
        done = broker._run_tool(self.settings, "kafka.tools.StorageTool", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return broker.command(self.settings)

    def allow(self, *lines: str) -> None:
        """Run lines of `kafka-acls` in parallel, each in its own process of Kafka's tools."""
        running = [self._acls(shlex.split(line)) for line in lines]
        for line, process in zip(lines, running, strict=True):
            said, _ = process.communicate(timeout=60)
            assert process.returncode == 0, f"{line}: {said}"

    def _acls(self, words: Sequence[str]) -> "subprocess.Popen[str]":
        assert words[0] == "kafka-acls"
        line = [*jars.jvm(*broker._logging(self.settings)), "org.apache.kafka.tools.AclCommand", *words[1:]]
        line += ["--bootstrap-server", self.bootstrap]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _properties(self) -> dict[str, str]:
        names = {name: name.replace("-", "").upper() for name in LISTENERS}
        names["plain"] = "CLIENTS"
        where = ",".join(f"{names[name]}://{self.at(name)}" for name in LISTENERS)
        kinds = ",".join(f"{names[name]}:{_PROTOCOLS.get(name, 'SSL')}" for name in LISTENERS)
        return {
            "listeners": f"{where},CONTROLLER://{HOST}:{self.settings.controller_port}",
            "advertised.listeners": where.replace(f"RENAMED://{HOST}", "RENAMED://localhost"),
            "listener.security.protocol.map": f"{kinds},CONTROLLER:PLAINTEXT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{SUPER};User:CN={SUPER}",
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            **self._stores(),
            **_logins("sasl"),
            **_logins("sasltls"),
        }

    def _stores(self) -> dict[str, str]:
        good = self.authority.sign("broker", *HERE)
        bad = {
            "expired": self.authority.sign("broker", *HERE, expired=True),
            "stranger": self.stranger.sign("broker", *HERE),
            "misnamed": self.authority.sign("misnamed", "kafka.example.com"),
            "renamed": self.authority.sign("renamed", HOST),
        }
        found = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(good.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.mutual.ssl.client.auth": "required",
        }
        for name, signed in bad.items():
            found[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
            found[f"listener.name.{name}.ssl.keystore.location"] = str(signed.both)
        return found


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _logins(listener: str) -> dict[str, str]:
    plain = "".join(f' user_{user}="{PASSWORD}"' for user in USERS)
    modules = {
        "scram-sha-512": f"{_SECURITY}.scram.ScramLoginModule required;",
        "scram-sha-256": f"{_SECURITY}.scram.ScramLoginModule required;",
        "plain": f"{_SECURITY}.plain.PlainLoginModule required{plain};",
        "oauthbearer": f'{_SECURITY}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="b";',
    }
    return {f"listener.name.{listener}.{mechanism}.sasl.jaas.config": text for mechanism, text in modules.items()}


def unsecured_token(user: str, seconds: float = 600) -> str:
    """Return an unsigned JWT, for a broker that does not verify signatures."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": now, "exp": now + seconds})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
