"""A stack behind proxies, an audit process, and a Prometheus that scrapes all of it with the shipped alerts."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.devstack.stack import LOCAL, answers_200, metrics_ports
from kernel.ports import free_port
from tests.chaos.targets import Proxied
from tests.support.rigs.ending import end_process
from tests.support.rigs.installation import Installation
from tests.support.rigs.prometheus import Prometheus
from tests.support.waiting import eventually

REVOKED = "revoked.txt"


class ObservedStack(Proxied):
    """The audit runs as a process beside, so `serve` does none. ``revoked`` is a file of credentials to break."""

    def __init__(self, data: Path, rules: Mapping[str, Any], every_s: float, audit_every_s: float, **env: str) -> None:
        """``every_s`` is the time between two scrapes, ``env`` more settings of `serve`."""
        super().__init__(data)
        self.revoked = data / REVOKED
        self.revoked.write_text("")
        self.revoked.chmod(0o600)
        self.environment |= {"REVOKED_FILE": str(self.revoked), "AUDIT_EVERY_S": "0", **env}
        self._audit_every_s, self._audit_port = audit_every_s, free_port()
        self.audit: subprocess.Popen[bytes] | None = None
        self.projectors = metrics_ports(data, "g1")
        targets = {
            "crewkit-serve": [self.port],
            "crewkit-processors": list(self.projectors),
            "crewkit-audit": [self._audit_port],
        }
        self.prometheus = Prometheus(data.parent / f"{data.name}-prometheus", targets, rules, every_s)

    def start(self) -> Installation:
        """Start everything, and wait until Prometheus has scraped each process."""
        super().start()
        self._start_audit()
        self.prometheus.start()
        eventually(lambda: self.prometheus.values("count(up == 1)") == [4], within_s=90)
        return self

    def _start_audit(self) -> None:
        settings = {
            "STORE_URL": f"clickhouse://reader@{LOCAL}:{self.proxies['store'].port}",
            "STORE_PASSWORD_FILE": str(self.data / "secrets" / "reader-password"),
            "AUDIT_EVERY_S": str(self._audit_every_s),
        }
        options = ("--data", str(self.data / "audit"), "--metrics-port", str(self._audit_port))
        with (self.data / "audit.out").open("ab") as out:
            command = [sys.executable, "-P", "-m", "cli", "audit", *options]
            self.audit = subprocess.Popen(command, env=os.environ | settings, stdout=out, stderr=out)
        eventually(lambda: answers_200(LOCAL, self._audit_port, "/livez"), within_s=60)

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
