"""A stack behind proxies, an audit process, and a Prometheus that scrapes all of them, with the shipped alerts."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack.stack import PARTITIONS, keeper_port, metrics_ports
from ingest.log.kafka import KafkaTopic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from runtime.settings.stack_folder import LOCAL
from schemas.log.topics import TOPIC
from tests.chaos.targets import Proxied
from tests.support import CHECKOUT
from tests.support.rigs.ending import end_process
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import set_topic
from tests.support.rigs.prometheus import Prometheus
from tests.support.waiting import eventually

REVOKED = "revoked.txt"


class ObservedStack(Proxied):
    """The audit is a separate process, so `serve` runs none. ``revoked`` is a credentials file that tests break."""

    def __init__(
        self,
        data: Path,
        rules: Mapping[str, Any],
        every_s: float,
        audit_every_s: float,
        night_every_s: float | None = None,
        **env: str,
    ) -> None:
        """``every_s`` is the scrape interval, ``env`` adds settings to `serve`.

        ``night_every_s`` is the time between two nightly audits; None for real nights.
        """
        super().__init__(data)
        self.revoked = data / REVOKED
        self.revoked.write_text("")
        self.revoked.chmod(0o600)
        self.environment |= {"REVOKED_FILE": str(self.revoked), "AUDIT_EVERY_S": "0", **env}
        self._audit_every_s, self._audit_port = audit_every_s, free_port()
        self._night_every_s = night_every_s
        self.audit: subprocess.Popen[bytes] | None = None
        self.projectors = metrics_ports(data, "g1")
        targets = {
            "crewkit-serve": [self.port],
            "crewkit-processors": list(self.projectors),
            "crewkit-audit": [self._audit_port],
            "crewkit-keeper": [keeper_port(data)],
        }
        self.prometheus = Prometheus(data.parent / f"{data.name}-prometheus", targets, rules, every_s)

    def start(self) -> Installation:
        """Start everything, and wait until Prometheus has scraped each process."""
        super().start()
        self._start_audit()
        self.prometheus.start()
        eventually(lambda: self.prometheus.values("count(up == 1)") == [5], within_s=90)
        return self

    def _start_audit(self) -> None:
        settings = {
            "STORE_URL": f"clickhouse://reader@{LOCAL}:{self.proxies['store'].port}",
            "STORE_PASSWORD_FILE": str(self.data / "secrets" / "reader-password"),
            "AUDIT_EVERY_S": str(self._audit_every_s),
        }
        options = ("--data", str(self.data / "audit"), "--metrics-port", str(self._audit_port))
        with (self.data / "audit.out").open("ab") as out:
            command = [sys.executable, *self._audit_command(), *options]
            self.audit = subprocess.Popen(command, env=os.environ | settings, stdout=out, stderr=out, cwd=CHECKOUT)
        eventually(lambda: answers_200(LOCAL, self._audit_port, "/livez"), within_s=60)

    def _audit_command(self) -> tuple[str, ...]:
        if self._night_every_s is None:
            return ("-P", "-m", "cli", "audit")
        return ("-m", "tests.support.rigs.audit_with_nights", str(self._night_every_s))

    def set_topic(self, changes: Mapping[str, str]) -> None:
        """Give the topic the settings of `provision`, with these changes."""
        topic = KafkaTopic(self.kafka_address, TOPIC, PARTITIONS, self.security)
        asyncio.run(set_topic(topic, changes))

    def heal(self) -> None:
        super().heal()
        if not self.revoked.exists():
            self.revoked.write_text("")
            self.revoked.chmod(0o600)

    def end(self) -> None:
        """End everything, in any state."""
        self.prometheus.end()
        end_process(self.audit)
        super().end()
