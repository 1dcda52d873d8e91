"""The README keeps its word: its curl lines are run, with real curl, and each endpoint has one; a backup restores."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.devstack.stack import answers_200
from kernel.ports import free_ports
from schemas.log.codec import encode
from tests.support import CHECKOUT
from tests.support.builders import hook as hook_of_a_record
from tests.support.builders import recorded
from tests.support.clients.sending import Org, hook
from tests.support.fakes.token_issuer import AUDIENCE, ISSUER, Key, write_jwks
from tests.support.rigs.cluster import three_brokers
from tests.support.rigs.installation import Installation
from tests.support.rigs.raw_append import bury
from tests.support.waiting import eventually

README = (CHECKOUT / "README.md").read_text()


def section(title: str) -> str:
    """The shell lines of a section that are meant to be run as they are."""
    text = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def run(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The lines in bash, which ends at the first that fails; `crewkit-sessions` is the one under test."""
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def wrap_curl(folder: Path) -> None:
    """Real curl, which also notes what it called and how that ended."""
    noting = f"{folder}/called"
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "curl"
    wrapper.write_text(
        f"#!/bin/sh\nexec {shutil.which('curl')} --noproxy '*' "
        f"--write-out '%{{stderr}}%{{method}} %{{url_effective}} %{{http_code}}\\n' \"$@\" 2>>{noting}\n"
    )
    wrapper.chmod(0o755)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_endpoint_has_a_curl_line_that_works(installation: Installation, fresh_org: str, tmp_path: Path) -> None:
    """Copied from the README, in its order, each answers 2xx; none is missing, and none asks for what is not there."""
    bury(installation, encode(recorded(uuid4(), hook_of_a_record("Stop", event_id=uuid4()), record_id=uuid4())))
    wrap_curl(tmp_path)
    script = section("The API by curl").replace("http://127.0.0.1:8080", installation.url)
    script = script.replace("var/up", str(installation.data)).replace("v1/acme", f"v1/{fresh_org}")

    ended = run(script.replace("--org acme", f"--org {fresh_org}"), tmp_path)

    assert ended.returncode == 0, ended.stderr
    calls = [line.rsplit(" ", 1) for line in (tmp_path / "called").read_text().splitlines()]
    assert [call for call, status in calls if not status.startswith("2")] == [], ended.stdout
    shown = _templates(installation, [call for call, _ in calls])
    assert shown == _documented(installation)


def test_the_commands_that_check_find_nothing_wrong(installation: Installation, tmp_path: Path) -> None:
    """Copied from the README: each ends with 0 on a sound installation, dead letters or not."""
    script = section("Check it")
    assert [line.split()[1] for line in script.splitlines()] == ["coverage", "recount", "freshness"]

    ended = run(script.replace("var/up", str(installation.data)), tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_backup_of_a_running_installation_restores(tmp_path: Path) -> None:
    """Everything that was answered before the copy is there again, under the same ids, to the last count."""
    running = Installation("up", tmp_path / "var" / "up").start()
    try:
        org = Org(running, "acme")
        session = org.create(title="kept")
        org.record(session, *(hook("Stop", n=n) for n in range(50)))
        before = org.data(f"sessions/{session['id']}")
        stop = threading.Event()
        writer = threading.Thread(target=_go_on_writing, args=(Org(running, "busy"), stop))
        writer.start()
        copied = run(section("Keep it"), tmp_path)
        stop.set()
        writer.join()
        assert copied.returncode == 0, copied.stderr
        token = org.client().headers["Authorization"]
    finally:
        running.end()

    restored = Installation("up", tmp_path / "backup").start()
    try:
        with httpx.Client(base_url=restored.url, headers={"Authorization": token}, trust_env=False) as client:
            found = client.get(
                f"/api/v1/acme/sessions/{session['id']}", headers={"X-Wait-For-Position": before["position"]}
            )
        assert found.json()["data"] == before
        child = Org(restored, "acme").create(parent_id=session["id"], relation="resume")
        assert child["thread_id"] == before["thread_id"]
        for command in ("coverage", "recount"):
            assert restored.command(command).returncode == 0, command
    finally:
        restored.end()


def _go_on_writing(org: Org, stop: threading.Event) -> None:
    session = org.create()
    while not stop.is_set():
        org.record(session, hook("Stop", text="x" * 10_000))


def _documented(installation: Installation) -> set[str]:
    paths = httpx.get(f"{installation.url}/schema/openapi.json", trust_env=False).json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method != "head"}


def _templates(installation: Installation, calls: list[str]) -> set[str]:
    """The documented operations that were called; a path without parameters goes before one with."""
    documented = sorted(_documented(installation), key=lambda operation: operation.count("{"))
    patterns = {operation: re.sub(r"\{\w+\}", "[^/]+", operation) for operation in documented}
    asked = [call.replace(installation.url, "").partition("?")[0] for call in calls]
    return {next(o for o, pattern in patterns.items() if re.fullmatch(pattern, call)) for call in asked}


PRODUCTION = section("Production: Kafka, Faust, ClickHouse").splitlines()
SERVING = ("ingest", "query-api", "processors")
ISSUED = Key("ES256", "ours")


@contextmanager
def store_server(folder: Path) -> Iterator[str]:
    """The address of a server that speaks ClickHouse's protocol, as that of the stack."""
    (port,) = free_ports(1)
    url = f"clickhouse://crewkit:secret@127.0.0.1:{port}"
    with spawned(f"crewkit-sessions store-server --port {port} --data store", folder, STORE_URL=url):
        eventually(lambda: answers_200("127.0.0.1", port, "/ping"), within_s=60)
        yield url


@contextmanager
def spawned(line: str, folder: Path, **env: str) -> Iterator[None]:
    """A line of the README that runs until SIGTERM, which ends it with 0."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (folder / f"{line.split()[1]}.out").open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=folder, env={**os.environ, "PATH": path, **env}, stdout=out, stderr=out
        )
    try:
        yield
        process.terminate()
        assert process.wait(timeout=30) == 0, line
    finally:
        process.kill()
        process.wait()


@pytest.mark.kafka
def test_the_commands_of_production_run_as_printed(tmp_path: Path) -> None:
    """On three brokers and a store server, with tokens of an issuer: what `ingest` takes, `query-api` shows.

    Only what the first lines export, and the two ports, are ours instead of the README's.
    """
    ports = dict(zip(("8080", "8081"), map(str, free_ports(2)), strict=True))
    commands = [line.partition("#")[0] for line in PRODUCTION if line.startswith("crewkit-sessions ")]
    assert [command.split()[1] for command in commands] == ["secrets", "provision", *SERVING]
    for printed, ours in ports.items():
        assert sum(printed in command for command in commands) == 1
        commands = [command.replace(printed, ours) for command in commands]
    write_jwks(tmp_path / "jwks.json", ISSUED.jwk())
    with three_brokers(tmp_path / "kafka") as bootstrap, store_server(tmp_path) as store_url:
        env = {"LOG_URL": f"kafka://{bootstrap}/crewkit.sessions.v1", "STORE_URL": store_url}
        env |= {"JWKS_FILE": str(tmp_path / "jwks.json"), "JWKS_ISSUER": ISSUER, "JWKS_AUDIENCE": AUDIENCE}
        assert {name for line in PRODUCTION for name in re.findall(r"([A-Z_]+)=", line)} == set(env)
        made = run("\n".join(commands[:2]), tmp_path, **env)
        assert made.returncode == 0, made.stderr
        assert "64 partitions, 3 copies" in made.stdout

        with ExitStack() as serving:
            for command in commands[2:]:
                serving.enter_context(spawned(command, tmp_path, **env))
            ingest, query_api = ports.values()
            for port in (ingest, query_api):
                eventually(lambda port=port: answers_200("127.0.0.1", int(port), "/readyz"), within_s=60)
            _written_is_read(ingest, query_api)
            checked = run(
                'crewkit-sessions coverage --url "$URL" --token "$(crewkit-sessions token --operator)"',
                tmp_path,
                URL=f"http://127.0.0.1:{query_api}",
                **env,
            )
            assert checked.returncode == 0, checked.stderr


def _written_is_read(ingest: str, query_api: str) -> None:
    headers = {"Authorization": f"Bearer {ISSUED.sign(role='admin')}"}
    with httpx.Client(headers=headers, trust_env=False, timeout=30) as client:
        write, read = (f"http://127.0.0.1:{port}/api/v1/acme" for port in (ingest, query_api))
        session = client.post(f"{write}/sessions", json={"agent_name": "reviewer"}).json()["data"]["id"]
        events = {"events": [{"event_type": "Stop", "timestamp": "2026-01-20T10:30:00Z", "data": {}}]}
        sent = client.post(f"{write}/observability/sessions/{session}/events", json=events)
        assert sent.status_code == 202, sent.text
        waiting = {"X-Wait-For-Position": sent.headers["X-Log-Position"]}
        eventually(lambda: client.get(f"{read}/sessions/{session}", headers=waiting).status_code == 200, within_s=60)
        shown = client.get(f"{read}/sessions/{session}/events", headers=waiting).json()["data"]
        assert [event["event_type"] for event in shown] == ["Stop"]
