"""A real Prometheus for the tests, on loopback, with its data in the test's folder."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from tests.support.rigs.ending import end_process
from tests.support.waiting import eventually

HOST = "127.0.0.1"
PACKAGE = "Debian's package prometheus has it: apt-get install prometheus"


class Prometheus:
    """Scrapes ``targets`` (ports by job name) and evaluates rules."""

    def __init__(
        self, folder: Path, targets: Mapping[str, Sequence[int]], rules: Mapping[str, Any], every_s: float = 1.0
    ) -> None:
        self._folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        every = f"{round(every_s * 1000)}ms"
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"{HOST}:{port}" for port in ports]}]}
            for job, ports in targets.items()
        ]
        settings = {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": ["rules.yaml"],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        self._http = httpx.Client(base_url=f"http://{HOST}:{self.port}/api/v1", trust_env=False, timeout=30)

    def start(self) -> "Prometheus":
        """Start it and wait until it is ready."""
        command = [
            need("prometheus"),
            f"--config.file={self._folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={HOST}:{self.port}",
            "--log.level=warn",
        ]
        with (self._folder / "prometheus.out").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self._folder)
        eventually(lambda: answers_200(HOST, self.port, "/-/ready"), within_s=60)
        return self

    def states(self) -> dict[str, str]:
        """Return the state of each alert that is not inactive: ``pending`` or ``firing``, whichever is worse."""
        found: dict[str, str] = {}
        for alert in self._get("alerts")["alerts"]:
            name = alert["labels"]["alertname"]
            found[name] = "firing" if "firing" in (alert["state"], found.get(name)) else "pending"
        return found

    def firing(self) -> set[str]:
        """Return the names of the firing alerts."""
        return {name for name, state in self.states().items() if state == "firing"}

    def faulty_rules(self) -> dict[str, str]:
        """Return the error of each rule whose last evaluation failed."""
        groups = self._get("rules")["groups"]
        return {r["name"]: r["lastError"] for group in groups for r in group["rules"] if r["health"] == "err"}

    def values(self, expression: str) -> list[float]:
        """Return the values of an instant query."""
        return [float(found["value"][1]) for found in self._get("query", query=expression)["result"]]

    def has(self, selector: str) -> bool:
        """Return whether any series has ever matched a selector."""
        series: Any = self._get("series", **{"match[]": selector})
        return bool(series)

    def end(self) -> None:
        """Stop it, in any state."""
        self._http.close()
        end_process(self._process)

    def _get(self, path: str, **params: str) -> Any:
        reply = self._http.get(f"/{path}", params=params)
        assert reply.status_code == httpx.codes.OK, reply.text
        return reply.json()["data"]


def need(program: str) -> str:
    """Return the path of `prometheus` or `promtool`. Without it, skip, or fail if `REQUIRE_PROMETHEUS=1`."""
    if path := shutil.which(program):
        return path
    if os.environ.get("REQUIRE_PROMETHEUS") == "1":
        pytest.fail(f"REQUIRE_PROMETHEUS=1, but there is no {program}. {PACKAGE}")
    pytest.skip(f"there is no {program}. {PACKAGE}")
