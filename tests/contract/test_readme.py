"""The commands of README and ``docs/`` run as printed, for a reader with a fresh checkout and an ordinary PATH."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port, free_ports, is_free
from schemas.log.codec import encode
from tests.contract.kafka_cluster import three_brokers
from tests.support import CHECKOUT
from tests.support.builders import hook as hook_of_a_record
from tests.support.builders import recorded
from tests.support.clients.sending import Org, hook
from tests.support.fakes.token_issuer import AUDIENCE, ISSUER, Key, write_jwks
from tests.support.pages import all_blocks, blocks, shell_lines
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import broker_from_jars
from tests.support.rigs.raw_append import append_dead_letter
from tests.support.waiting import eventually

PRINTED_URL = "http://127.0.0.1:8080"
OPERATIONS, SECURITY, REPLAY = "docs/operations.md", "docs/security.md", "docs/replay.md"
DASHBOARD, CONNECT = "docs/dashboard.md", "docs/connect.md"
AGENTS = "Record what coding agents send"
ON_THE_PATH = shell_lines(OPERATIONS, "")
# The blocks that are run, by page and section; `tests/integration/test_kafka_security.py` runs the last one.
RUN = {
    *(("README.md", section) for section in ("Quickstart", "Check it")),
    *(("docs/api.md", section) for section in ("", "Write", AGENTS, "Read", "Analytics", "Check")),
    *(
        (OPERATIONS, section)
        for section in ("", "Production", "Check and repair", "Prices", "Back up and move the log", "Drill")
    ),
    *((SECURITY, section) for section in ("", "Tokens", "Kafka ACLs")),
    *((REPLAY, section) for section in ("", "Rebuild everything")),
    *((DASHBOARD, section) for section in ("", "Open it")),
    (CONNECT, "In two minutes"),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout for one test."""
    return checkout_in(tmp_path)


class OwnUp(NamedTuple):
    """A checkout, and an installation in its `var/up`."""

    checkout: Path
    installation: Installation


@pytest.fixture(scope="module")
def own_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnUp]:
    """Run an `up` for the pages that replay, copy and stop it, in this order."""
    checkout = checkout_in(tmp_path_factory.mktemp("own"))
    running = Installation("up", checkout / "var" / "up")
    try:
        yield OwnUp(checkout, running.start())
    finally:
        running.end()


def checkout_in(parent: Path) -> Path:
    """Make a folder like a checkout after `make setup`: everything except data comes from this repository."""
    folder = parent / "crewkit-sessions"
    folder.mkdir()
    for entry in CHECKOUT.iterdir():
        if entry.name not in {"var", ".git", ".venv"}:
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "var").mkdir()
    return folder


def reader_environment(folder: Path, **env: str) -> dict[str, str]:
    """Return an environment whose PATH does not have `crewkit-sessions`."""
    path = [entry for entry in os.environ["PATH"].split(":") if not Path(entry, "crewkit-sessions").exists()]
    return {**os.environ, "PATH": ":".join([str(folder / "bin"), *path]), **env}


def run(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the lines in bash, which stops at the first failure."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=reader_environment(folder, **env),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def at(installation: Installation, script: str, folder: Path, org: str = "acme") -> str:
    """Return the lines adapted to this installation and org: the folder `var/up` is the installation's."""
    (folder / "var" / "up").symlink_to(installation.data)
    script = script.replace(PRINTED_URL, installation.url)
    return script.replace("v1/acme", f"v1/{org}").replace("--org acme", f"--org {org}")


def wrap_curl(folder: Path) -> None:
    """Put a curl first on PATH that also logs its address and exit code."""
    noting = f"{folder}/called"
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "curl"
    wrapper.write_text(
        f"#!/bin/sh\nexec {shutil.which('curl')} --noproxy '*' "
        f"--write-out '%{{stderr}}%{{method}} %{{url_effective}} %{{http_code}}\\n' \"$@\" 2>>{noting}\n"
    )
    wrapper.chmod(0o755)


def names_in(folder: Path) -> set[str]:
    """Return the names directly inside a folder."""
    return {entry.name for entry in folder.iterdir()}


def put_a_dead_letter(installation: Installation) -> None:
    """Append a record with a wrong key."""
    append_dead_letter(
        installation, encode(recorded(uuid4(), hook_of_a_record("Stop", event_id=uuid4()), record_id=uuid4()))
    )


def test_every_printed_command_is_run_or_says_why_not() -> None:
    """A block of shell lines is in a section that a test runs, or is preceded by the reason why not."""
    shell = [block for block in all_blocks() if block.language == "sh"]

    assert {(block.page, block.section) for block in shell if block.reason is None} == RUN
    assert [block for block in shell if block.reason is not None and len(block.reason) < len("it takes long")] == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_quickstart_shows_what_it_promises(checkout: Path) -> None:
    """`make run` runs in one terminal, the rest of the README in another; only the port differs.

    Outside `var`, the commands leave nothing in the checkout.
    """
    started, *_ = (block.text for block in blocks("README.md"))
    (promised,) = (b.text for b in blocks("README.md") if b.section == "Quickstart" and b.language == "text")
    printed = shell_lines("README.md")
    port = str(free_port())

    with spawned(started, checkout, -signal.SIGTERM, PORT=port):  # make ends by the signal after its child has ended
        eventually(lambda: answers_200("127.0.0.1", int(port), "/readyz"), within_s=60)
        wrap_curl(checkout)
        before = names_in(checkout)
        ended = run(printed.removeprefix(started).replace(PRINTED_URL, f"http://127.0.0.1:{port}"), checkout)
        after = names_in(checkout) - {"called"}  # written by the curl above

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert after == before
    assert ended.stdout.startswith(promised)
    assert [line.split(":")[0] for line in ended.stdout.splitlines() if re.match(r"[a-z]+: ", line)] == [
        "coverage",
        "recount",
        "freshness",
    ]


@pytest.mark.only_on("up")
def test_an_agent_is_connected_in_two_minutes(
    installation: Installation, fresh_org: str, checkout: Path, tmp_path: Path
) -> None:
    """From an empty home folder; the output equals the page's, and the test session can be read."""
    printed = at(installation, shell_lines(CONNECT, "In two minutes"), checkout, fresh_org)
    (promised,) = (b.text for b in blocks(CONNECT) if b.section == "In two minutes" and b.language == "text")
    home = tmp_path / "home"
    home.mkdir()

    ended = run(printed, checkout, HOME=str(home))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = re.sub(r"recorded at [0-9]+:[0-9]+", "recorded at 0:1", ended.stdout.replace(str(home), "/home/alice"))
    assert promised in said
    assert "waiting:       0" in said
    assert not (checkout / "token").exists()
    assert len(json.loads((home / ".claude" / "settings.json").read_text())["hooks"]) == 32
    with installation.client("member", fresh_org, "alice") as alice:
        (session,) = alice.get(f"/api/v1/{fresh_org}/sessions").json()["data"]
    assert session["title"] == "Connection test"


@pytest.mark.only_on("up")  # `stack` has the same routes
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_endpoint_has_a_curl_line_that_works(installation: Installation, fresh_org: str, checkout: Path) -> None:
    """Each line, copied in page order, returns 2xx; every endpoint has one, and every line has an endpoint."""
    put_a_dead_letter(installation)
    wrap_curl(checkout)

    before = names_in(checkout)
    ended = run(at(installation, shell_lines("docs/api.md"), checkout, fresh_org), checkout)

    assert ended.returncode == 0, ended.stderr
    assert names_in(checkout) - {"called"} == before
    calls = [line.rsplit(" ", 1) for line in (checkout / "called").read_text().splitlines()]
    assert [call for call, status in calls if not status.startswith("2")] == _not_yet(calls), ended.stdout
    shown = _templates(installation, [call for call, _ in calls])
    assert shown == _documented(installation)


def _not_yet(calls: list[list[str]]) -> list[str]:
    """Return the call that gets 409 here, as its page says: nothing is certified on the day of the erasure."""
    return [call for call, status in calls if call.endswith("/certificate") and status == "409"]


@pytest.mark.only_on("up")  # the pages say `--data var/up`
@pytest.mark.parametrize(
    ("page", "section"), [(OPERATIONS, "Check and repair"), (SECURITY, "Tokens"), (DASHBOARD, "Open it")]
)
def test_commands_on_a_running_installation_end_well(
    installation: Installation, checkout: Path, page: str, section: str
) -> None:
    """Each exits with 0 on a healthy installation, with or without dead letters."""
    put_a_dead_letter(installation)

    ended = run(at(installation, shell_lines(page, "", section), checkout), checkout)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_page_about_replay_rebuilds_everything(own_up: OwnUp) -> None:
    """Each command exits with 0 on an installation with sessions, and readers see the same as before."""
    org = Org(own_up.installation, "acme")
    session = org.create(title="again")
    org.record(session, *(hook("Stop", n=n) for n in range(50)))
    before = org.data(f"sessions/{session['id']}")

    ended = run(shell_lines(REPLAY, "", "Rebuild everything"), own_up.checkout)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert org.data(f"sessions/{session['id']}") == before
    assert org.get("sessions").headers["X-Generation"] == "g2"


def test_a_backup_of_a_running_installation_restores(own_up: OwnUp) -> None:
    """Everything acknowledged before the copy is there again, with the same ids and counts."""
    checkout, running = own_up
    org = Org(running, "acme")
    session = org.create(title="saved")
    org.record(session, *(hook("Stop", n=n) for n in range(50)))
    before = org.data(f"sessions/{session['id']}")
    stop = threading.Event()
    writer = threading.Thread(target=_go_on_writing, args=(Org(running, "busy"), stop))
    writer.start()
    copied = run(shell_lines(OPERATIONS, "", "Back up and move the log"), checkout)
    stop.set()
    writer.join()
    assert copied.returncode == 0, copied.stderr
    token = org.client().headers["Authorization"]
    _drill(checkout)

    restored = Installation("up", checkout / "var" / "restored").start()
    try:
        with httpx.Client(base_url=restored.url, headers={"Authorization": token}, trust_env=False) as client:
            found = client.get(
                f"/api/v1/acme/sessions/{session['id']}", headers={"X-Wait-For-Position": before["position"]}
            )
        assert found.json()["data"] == before
        child = Org(restored, "acme").create(parent_id=session["id"], relation="resume")
        assert child["thread_id"] == before["thread_id"]
    finally:
        restored.end()


def test_the_prices_of_an_installation_are_shown_and_loaded(own_up: OwnUp) -> None:
    """Running or stopped, it accepts the TOML that it shows."""
    lines = shell_lines(OPERATIONS, "", "Prices")

    running = run(lines, own_up.checkout)
    own_up.installation.end()
    stopped = run(lines, own_up.checkout)

    for ended in (running, stopped):
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines()[-1].startswith("prices: 0 loaded, ")


def _drill(checkout: Path) -> None:
    """Restore the backup next to the installation, as the page says; nothing of it runs afterwards."""
    port = free_port()
    done = run(shell_lines(OPERATIONS, "", "Drill").replace("8090", str(port)), checkout)

    assert done.returncode == 0, done.stderr
    (records,) = re.findall(r"verify: sound, ([\d,]+) records", done.stdout)
    assert f"coverage: complete, {records} positions" in done.stdout
    assert "recount: equal" in done.stdout
    eventually(lambda: is_free("127.0.0.1", port), within_s=60)


def _go_on_writing(org: Org, stop: threading.Event) -> None:
    session = org.create()
    while not stop.wait(0.05):
        org.record(session, hook("Stop", text="x" * 10_000))


def _documented(installation: Installation) -> set[str]:
    paths = httpx.get(f"{installation.url}/schema/openapi.json", trust_env=False).json()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "head" and not operation.get("deprecated")
    }


def _templates(installation: Installation, calls: list[str]) -> set[str]:
    """Return the documented operations that were called; a path without parameters goes before one with."""
    documented = sorted(_documented(installation), key=lambda operation: operation.count("{"))
    patterns = {operation: re.sub(r"\{\w+\}", "[^/]+", operation) for operation in documented}
    asked = [call.replace(installation.url, "").partition("?")[0] for call in calls]
    return {next(o for o, pattern in patterns.items() if re.fullmatch(pattern, call)) for call in asked}


PRODUCTION = shell_lines(OPERATIONS, "Production").splitlines()
SERVING = ("ingest", "query-api", "processors", "audit")
ISSUED = Key("ES256", "ours")


@contextmanager
def store_server(folder: Path) -> Iterator[str]:
    """Return the address of a server that speaks ClickHouse's protocol, like the one of `stack`."""
    (port,) = free_ports(1)
    url = f"clickhouse://crewkit:secret@127.0.0.1:{port}"
    with spawned(f"crewkit-sessions store-server --port {port} --data var/store", folder, STORE_URL=url):
        eventually(lambda: answers_200("127.0.0.1", port, "/ping"), within_s=60)
        yield url


@contextmanager
def spawned(line: str, folder: Path, ends_with: int = 0, **env: str) -> Iterator[None]:
    """Run a line that continues until SIGTERM."""
    with (folder / f"{line.split()[1]}.out").open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"{ON_THE_PATH}exec {line}"],
            cwd=folder,
            env=reader_environment(folder, **env),
            stdout=out,
            stderr=out,
        )
    try:
        yield
        process.terminate()
        assert process.wait(timeout=30) == ends_with, line
    finally:
        process.kill()
        process.wait()


@contextmanager
def one_broker(folder: Path) -> Iterator[str]:
    """Return the address of a broker of this test."""
    with broker_from_jars(folder) as broker:
        yield broker.bootstrap


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("brokers", "option", "copies"),
    [
        (one_broker, " --replication 1", "one copy"),
        pytest.param(three_brokers, "", "3 copies", marks=pytest.mark.part("brokers")),
    ],
    ids=["one broker", "three brokers"],
)
def test_the_commands_of_production_run_as_printed(
    checkout: Path, brokers: Callable[[Path], AbstractContextManager[str]], option: str, copies: str
) -> None:
    """They run on brokers, a store server and an issuer's tokens: `query-api` shows what `ingest` accepts.

    Only the exports of the first lines, the ports and, with one broker, the copies differ from the page.
    """
    ports = dict(zip(("8080", "8081", "9090"), map(str, free_ports(3)), strict=True))
    commands = [line.partition("#")[0] for line in PRODUCTION if line.startswith("crewkit-sessions ")]
    assert [command.split()[1] for command in commands] == ["secrets", "provision", *SERVING]
    for printed, ours in ports.items():
        assert sum(printed in command for command in commands) == 1
        commands = [command.replace(printed, ours) for command in commands]
    commands[1] += option
    write_jwks(checkout / "jwks.json", ISSUED.jwk())
    with brokers(checkout / "kafka") as bootstrap, store_server(checkout) as store_url:
        env = {"LOG_URL": f"kafka://{bootstrap}/crewkit.sessions.v1", "STORE_URL": store_url}
        env |= {"JWKS_FILE": str(checkout / "jwks.json"), "JWKS_ISSUER": ISSUER, "JWKS_AUDIENCE": AUDIENCE}
        assert {name for line in PRODUCTION for name in re.findall(r"([A-Z_]+)=", line)} == set(env)
        made = run(ON_THE_PATH + "\n".join(commands[:2]), checkout, **env)
        assert made.returncode == 0, made.stderr
        assert f"64 partitions, {copies}" in made.stdout

        with ExitStack() as serving:
            for command in commands[2:]:
                serving.enter_context(spawned(command, checkout, **env))
            ingest, query_api, _audit = ports.values()
            for port in ports.values():
                eventually(lambda port=port: answers_200("127.0.0.1", int(port), "/readyz"), within_s=60)
            _written_is_read(ingest, query_api)
            checked = run(
                f'{ON_THE_PATH}crewkit-sessions coverage --url "$URL" --token "$(crewkit-sessions token --operator)"',
                checkout,
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
