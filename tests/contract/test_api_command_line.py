"""API section "Command line": exit codes, output streams, ways to find an installation."""

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from cli import client
from cli.options import Day
from runtime.services.ports import free_port
from runtime.settings.secret_making import make_embedded_secrets
from tests.support.clients.sending import Org
from tests.support.rigs.command_here import command_here
from tests.support.rigs.folder import files_of
from tests.support.rigs.installation import Installation
from tests.support.rigs.supervised import is_alive
from tests.support.waiting import eventually

AUDIT = ("freshness", "coverage", "recount")
THERE = (
    *(
        "up",
        "stack",
        "serve",
        "ingest",
        "query-api",
        "processors",
        "store-server",
        "provision",
        "token",
        "demo",
        "open",
    ),
    *(*AUDIT, "log", "prices", "secrets", "connect"),
)


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `crewkit-sessions ARGUMENTS` in another process."""
    command = [sys.executable, "-P", "-m", "cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env or None)


def test_every_command_is_listed_and_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` describes the command, and has an example if it takes more than a folder."""
    code, overview, _ = command_here(capsys, "--help")

    assert code == 0
    for command in THERE:
        assert f"  {command} " in overview, command
        code, output, complaint = command_here(capsys, command, "--help")
        assert (code, complaint) == (0, ""), command
        assert len(output.split("Options:")[0].split()) > 10, command


def test_a_settings_file_that_can_not_be_read_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For example if the data folder belongs to another account: the message names the file and the reason."""
    (tmp_path / "settings.toml").mkdir()

    code, output, complaint = command_here(capsys, "coverage", "--data", str(tmp_path))

    assert (code, output) == (2, "")
    assert complaint == f"Error: data: {tmp_path}/settings.toml can't be read by this account: Is a directory\n"


def test_wrong_usage_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error has one sentence, standard output is empty."""
    (tmp_path / "settings.toml").write_text("port = 'many'\n")
    for arguments in (
        ("no-such-command",),
        ("coverage", "--no-such-option"),
        ("coverage", "--url", "http://127.0.0.1:1"),
        ("coverage", "--url", "http://127.0.0.1:none", "--token", "x"),
        ("coverage", "--url", "http://127.0.0.1:1", "--token", "é"),
        ("recount", "--start-date", "2026-02-01", "--end-date", "2026-01-01"),
        ("recount", "--start-date", "soon"),
        ("token", "--org", "acme"),
        ("token", "--org", "acme", "--user", "u", "--role", "king"),
        ("token", "--org", "operator", "--user", "u", "--role", "owner"),
        ("token", "--operator", "--ttl", "for ever"),
        ("token", "--org", "acme", "--user", "u", "--role", "agent", "--ttl", "366d"),
        ("up", "--port", "many"),
        ("up", "--data", str(tmp_path)),
        ("prices", "load", str(tmp_path / "missing.toml")),
    ):
        code, output, complaint = command_here(capsys, *arguments)
        assert (code, output) == (2, ""), (arguments, complaint)
        assert complaint.splitlines()[-1].startswith("Error: "), arguments
    for service, option, url in (("ingest", "--log-url", "redis://no"), ("query-api", "--store-url", "mysql://no")):
        ended = run(service, option, url, "--data", str(tmp_path / "other"))
        assert (ended.returncode, ended.stdout, "Traceback" in ended.stderr) == (2, "", False)


def test_a_mistyped_command_or_day_is_answered_with_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Groups suggest the nearest command; a day is a date, `today`, `yesterday` or a number of days ago."""
    assert "Did you mean `coverage`?" in command_here(capsys, "cover").complaint
    assert "Did you mean `export`?" in command_here(capsys, "log", "expot").complaint
    assert "Did you mean" not in command_here(capsys, "zzzz").complaint
    for day in ("soon", "2026-02-30", "xd", "99999999999999d"):
        assert "yesterday" in command_here(capsys, "recount", "--start-date", day).complaint
    now = datetime.now(UTC).date()
    for text, day in (("today", 0), ("yesterday", 1), ("7d", 7)):
        assert Day().convert(text, None, None) in (now - timedelta(day), now - timedelta(day - 1))  # or midnight passed


@pytest.mark.parametrize("command", AUDIT)
def test_a_service_that_is_away_is_exit_69(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """This holds if nothing was ever started, no process listens, or a different program listens."""
    for where in (("--data", str(tmp_path)), ("--url", f"http://127.0.0.1:{free_port()}", "--token", "x")):
        result = command_here(capsys, command, *where)
        assert (result.code, result.output) == (69, "")
        assert result.complaint.startswith("Error: ")
        assert len(result.complaint.splitlines()) == 1


@pytest.mark.parametrize(("status", "code"), [(503, 69), (502, 69), (404, 1), (200, 1)])
def test_a_foreign_answer_is_an_error_in_one_sentence(
    status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proxy's page leads to an error message with the address."""
    with web_server(page(status)) as url:
        result = command_here(capsys, "coverage", "--url", url, "--token", "x", "--json")

    assert (result.code, result.output) == (code, "")
    assert "Traceback" not in result.complaint
    assert url in result.complaint


@pytest.mark.parametrize("after_s", [0, 0.3])
def test_a_request_is_sent_again_while_the_service_asks_for_it(
    after_s: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is away for a moment does not end an audit, however long it took to say so."""
    monkeypatch.setattr(client, "BUSY_S", 0.2)
    pages = [
        page(503, '{"error": "Send it again."}', after_s=after_s),
        page(404, '{"error": "No.", "code": "", "details": {}}'),
    ]
    with web_server(*pages) as url:
        result = command_here(capsys, "recount", "--url", url, "--token", "x")

    assert (result.code, result.complaint) == (1, "Error: No.\n")


@pytest.mark.parametrize(("command", "said"), [("freshness", "timed out"), ("recount", "returned 200, but not in")])
def test_a_report_may_take_longer_than_another_answer(
    command: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recount of years takes minutes, and says nothing before it ends."""
    monkeypatch.setattr(client, "ANSWER_WITHIN_S", 0.2)
    with web_server(page(200, after_s=1)) as url:
        assert said in command_here(capsys, command, "--url", url, "--token", "x").complaint


@pytest.mark.parametrize("command", AUDIT)
def test_an_audit_finds_the_installation_by_its_folder_or_its_address(
    command: str, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 and one clear last line; `--json` writes only the complete findings to stdout."""
    operator = command_here(capsys, "token", "--operator", "--data", installation.data).output.strip()

    by_folder = command_here(capsys, command, "--data", installation.data)
    by_address = command_here(capsys, command, "--url", installation.url, "--token", operator, "--json")

    assert (by_folder.code, by_folder.complaint) == (0, "")
    assert by_folder.output.splitlines()[-1].startswith(f"{command}: ")
    assert (by_address.code, by_address.complaint) == (0, "")
    assert isinstance(json.loads(by_address.output), dict)


def test_an_audit_needs_a_token_of_an_operator(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """Any other token is refused with an error message and exit code 1."""
    options = ("--org", "acme", "--user", "u", "--role", "owner", "--data", installation.data)
    owner = command_here(capsys, "token", *options).output
    for token in (owner.strip(), "no.token.at.all"):
        result = command_here(capsys, "coverage", "--url", installation.url, "--token", token)
        assert (result.code, result.output) == (1, "")
        assert result.complaint.startswith("Error: ")


def test_a_printed_token_opens_its_org(
    installation: Installation, fresh_org: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the token is printed; without `--ttl` it is valid for four hours."""
    options = ("--org", fresh_org, "--user", "alice", "--role", "member", "--data", str(installation.data))

    printed = [command_here(capsys, "token", *options, *more) for more in ((), ("--ttl", "90s"))]

    lives = []
    for one in printed:
        assert (one.code, one.complaint, len(one.output.splitlines())) == (0, "", 1)
        claims = jwt.decode(one.output.strip(), options={"verify_signature": False})
        assert (claims["sub"], claims["org_id"], claims["role"]) == ("alice", fresh_org, "member")
        lives.append(claims["exp"] - claims["iat"])
        reply = httpx.get(
            f"{installation.url}/api/v1/{fresh_org}/sessions",
            headers={"Authorization": f"Bearer {one.output.strip()}"},
            trust_env=False,
        )
        assert reply.status_code == 200
    assert lives == [4 * 3600, 90]


def test_a_running_installation_shows_and_loads_prices(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process that may write prices loads them. What is known is not loaded again, and a past price is refused."""
    file, data = tmp_path / "prices.toml", ("--data", str(installation.data))
    begins = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7_200))
    file.write_text(f'[[price]]\nmodel = "mine"\nfrom = {begins}\ninput = 1\noutput = 2\n')

    loaded = command_here(capsys, "prices", "load", str(file), *data)
    again = command_here(capsys, "prices", "load", str(file), *data)
    shown = command_here(capsys, "prices", "show", "--json", *data)
    file.write_text(file.read_text().replace(begins, "2026-01-01"))
    past = command_here(capsys, "prices", "load", str(file), *data)

    assert (loaded.code, loaded.output.splitlines()[-1]) == (0, "prices: 1 loaded, 0 known already"), loaded.complaint
    assert (again.code, again.output) == (0, "prices: 0 loaded, 1 known already\n")
    last = json.loads(shown.output)[-1]
    assert (last["model"], last["input"], last["cache_write_1h"]) == ("mine", 1.0, 2.0)
    assert (past.code, past.output) == (1, "")
    assert "prices failed: mine from 2026-01-01: reports of that time may be counted already" in past.complaint


def test_the_log_of_a_running_installation_is_read_and_exported(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder is enough, on both kinds; the export is valid, and another run adds only new records."""
    session = Org(installation, "acme").create()["id"]
    where, export = ("--data", installation.data), tmp_path / "export"

    read = command_here(capsys, "log", "read", "--session", session, *where)
    exported = command_here(capsys, "log", "export", export, *where, "--json")
    verified = command_here(capsys, "log", "verify", export)
    again = command_here(capsys, "log", "export", export, *where, "--json")

    assert (read.code, read.complaint) == (0, "")
    assert {json.loads(line)["key"] for line in read.output.splitlines()} == {session}
    assert json.loads(exported.output)["records"] > 0
    assert (verified.code, verified.complaint) == (0, "")
    assert json.loads(again.output)["records"] < json.loads(exported.output)["records"]
    if installation.kind == "up":  # even an empty target would be refused, since the folder is in use
        refused = command_here(capsys, "log", "import", export, *where)
        assert (refused.code, refused.output) == (1, "")
        assert "another process uses" in refused.complaint
        return
    imported = command_here(capsys, "log", "import", export, *where, "--json")
    if json.loads(exported.output)["erased"]:  # by other tests: the topic has records where the export has stubs
        assert (imported.code, "is a different one" in imported.complaint) == (1, True)
    else:  # a topic can be imported into while it is used, and already has all the records
        assert (imported.code, json.loads(imported.output)["added"]) == (0, 0)


@pytest.mark.fault(row=24)
def test_a_folder_is_served_once(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """A second `up` or `stack` on the folder refuses to start and does not affect the first."""
    result = run(installation.kind, "--data", str(installation.data), "--port", str(free_port()))

    assert result.returncode == 1
    assert str(installation.data) in result.stdout + result.stderr
    assert command_here(capsys, "coverage", "--data", installation.data).code == 0


def test_a_demo_plays_on_a_running_installation(installation: Installation, fresh_org: str, tmp_path: Path) -> None:
    """The demo sends, shows, proves and draws; exit code 0; the picture contains no address and no token.

    It ends with a sign-in link if the installation makes codes, since it issued the tokens itself.
    """
    size, picture = ("--sessions", "5", "--events", "400"), tmp_path / "demo.svg"
    result = run("demo", "--data", str(installation.data), "--org", fresh_org, *size, "--svg", str(picture))

    assert result.returncode == 0, result.stdout + result.stderr
    assert Org(installation, fresh_org).get("sessions").json()["meta"]["total_count"] == 5
    svg = picture.read_text()
    assert "coverage" in svg
    assert not [secret for secret in ("127.0.0.1", "eyJ", str(installation.data)) if secret in svg]
    link = {"up": r"#code=\S{22}", "stack": r"  \(it asks for a token\)"}[installation.kind]
    assert re.search(rf"^Open the dashboard: {installation.url}/{link}$", result.stdout, re.MULTILINE)
    assert "eyJ" not in result.stdout + result.stderr


def test_a_demo_prints_no_token_that_it_was_given(installation: Installation, fresh_org: str) -> None:
    """Its owner has the token, and may not want it in a terminal."""
    token = installation.client("admin", fresh_org, "bob").headers["authorization"].partition(" ")[2]
    size = ("--sessions", "1", "--events", "180")
    result = run("demo", "--url", installation.url, "--token", token, "--org", fresh_org, *size)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "eyJ" not in result.stdout + result.stderr


@pytest.mark.only_on("up")
@pytest.mark.usefixtures("installation")
def test_a_demo_that_is_kept_can_be_opened() -> None:
    """The link signs in. Its tokens are not printed, and in none of its files."""
    result = run("demo", "--keep", "--sessions", "1", "--events", "180", **os.environ)
    found = re.search(r"data in (\S+); stop it with `kill (\d+)`", result.stdout)
    assert found is not None, result.stdout + result.stderr
    folder, pid = Path(found[1]), int(found[2])
    try:
        link = re.search(r"^Open the dashboard: (\S+)/#code=(\S+)$", result.stdout, re.MULTILINE)
        assert link is not None, result.stdout
        assert "eyJ" not in result.stdout
        tokens = httpx.post(f"{link[1]}/login/code", json={"code": link[2]}, trust_env=False).json()["data"]
        for path, name in (("acme/sessions", "token"), ("operator/freshness", "operator")):
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            assert httpx.get(f"{link[1]}/api/v1/{path}", headers=headers, trust_env=False).status_code == 200
        assert (folder / "up.log").exists()
        assert not [file for file in files_of(folder) if file.exists() and b"eyJ" in file.read_bytes()]
    finally:
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_alive(pid), within_s=20)
        shutil.rmtree(folder)


def test_a_position_without_a_dead_letter_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The API only says that there is nothing at this address."""
    with web_server(page(404, '{"error": "No.", "code": "not_found", "details": {}}')) as url:
        where = ("--url", url, "--token", "x")
        shown = command_here(capsys, "dead-letters", "show", "0:1", *where)
        redriven = command_here(capsys, "dead-letters", "redrive", "0:1", *where)

    listed = "`dead-letters list` shows"
    assert (shown.code, shown.complaint) == (1, f"Error: 0:1 is not a dead letter: {listed} all of them\n")
    assert (redriven.code, redriven.complaint) == (1, f"Error: there is no record at 0:1: {listed} the positions\n")


@pytest.mark.only_on("up")
def test_a_browser_opens_the_dashboard_signed_in(installation: Installation, tmp_path: Path) -> None:
    """`open` gives a browser a new link for the given user; without a browser, it says so and prints the link."""
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    asked = ("open", "--data", str(installation.data), "--user", "bob")

    done = run(*asked, **{**os.environ, "BROWSER": str(browser)})
    without = run(*asked, **{**os.environ, "BROWSER": "false"})

    assert (done.returncode, done.stdout) == (0, "The dashboard is open in your browser.\n"), done.stderr
    printed = re.fullmatch(r"No browser could be opened. Open this link: (\S+)\n", without.stdout)
    assert (without.returncode, printed is None) == (0, False), without.stderr
    for link in (opened.read_text().strip(), printed[1] if printed else ""):
        url, _, code = link.partition("/#code=")
        assert url == installation.url
        tokens = httpx.post(f"{url}/login/code", json={"code": code}, trust_env=False).json()["data"]
        claims = jwt.decode(tokens["token"], options={"verify_signature": False})
        assert (claims["sub"], claims["role"]) == ("bob", "admin")


def test_no_link_is_made_by_other_services(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They have no codes: the error names the page and the command `token`."""
    make_embedded_secrets(tmp_path / "secrets")
    with web_server(page(404)) as url:
        (tmp_path / "settings.toml").write_text(f"api_url = {url!r}\n")
        ended = command_here(capsys, "open", "--data", tmp_path)

    assert (ended.code, ended.output) == (1, "")
    assert f"open {url}/ and paste a token" in ended.complaint


@pytest.mark.only_on("up")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_that_up_prints_work(installation: Installation, tmp_path: Path) -> None:
    """The three curl commands, with the token that the line before them gets, read back the prompt that they send."""
    out = installation.data / "up.out"
    eventually(lambda: "Stop it with Ctrl-C." in out.read_text())
    lines = out.read_text().rpartition("Try it:\n")[2].partition("Connect your")[0]
    write, _, read = lines.partition("sleep 1; ")  # a busy machine may need longer
    script = f"{write}\nuntil {read.strip()} | grep -o '\"prompts\":1'; do sleep 0.5; done"
    there = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "no_proxy": "*"}

    subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=there, cwd=tmp_path, check=True, timeout=60)


Page = Callable[[http.server.BaseHTTPRequestHandler], None]


def page(status: int, body: str = "<html>", after_s: float = 0) -> Page:
    """Return a response; by default one like that of a foreign web server."""

    def send(request: http.server.BaseHTTPRequestHandler) -> None:
        time.sleep(after_s)
        request.send_response(status)
        request.end_headers()
        request.wfile.write(body.encode())

    return send


@contextmanager
def web_server(*pages: Page) -> Iterator[str]:
    """Serve the pages in their order, and then the last one."""
    coming = list(pages)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (coming.pop(0) if len(coming) > 1 else coming[0])(self)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
