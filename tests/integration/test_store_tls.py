"""The product over TLS to a store server, with every kind of credential, and the message of each refusal."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import clickhouse_connect
import pytest

from ingest.log.atomic_write import write_whole
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from tests.support.rigs.command_here import Ended, command_here
from tests.support.rigs.secure_store import SecureStore
from tests.support.waiting import eventually

PASSWORD = secrets.token_hex(8)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureStore]:
    folder = tmp_path_factory.mktemp("secure-store")
    write_whole(folder / "password", f"{PASSWORD}\n")
    write_whole(folder / "wrong-password", "not-the-password\n")
    running = SecureStore(folder, PASSWORD)
    yield running
    running.end()


def environment(store: SecureStore, port: str, database: str = "crewkit", **files: str) -> dict[str, str]:
    """Return the settings of a client of one port; ``files`` are by setting name without its prefix."""
    return {"STORE_URL": store.url(port, database), "DEV_TOKENS": "1"} | {
        f"STORE_{name.upper()}_FILE": store.file(file) for name, file in files.items() if file
    }


Run = Callable[[str, dict[str, str]], Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return a function that runs a command to its end: `provision` runs in this process, which is faster."""
    make_embedded_secrets(tmp_path / "secrets")

    def to_its_end(command: str, env: dict[str, str]) -> Ended:
        if command == "provision":
            with pytest.MonkeyPatch.context() as patched:
                for name, value in env.items():
                    patched.setenv(name, value)
                return command_here(capsys, command, "--data", tmp_path)
        line = [sys.executable, "-P", "-m", "cli", command, "--data", str(tmp_path), "--port", "0"]
        done = subprocess.run(line, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    return to_its_end


OURS = {"ca": "ours.pem"}
WAYS = {
    "a password over TLS": ("tls", OURS | {"password": "password"}),
    "a certificate and a password": (
        "mutual",
        OURS | {"cert": "ours-crewkit.crt", "key": "ours-crewkit.key", "password": "password"},
    ),
    "a certificate alone": ("mutual", OURS | {"cert": "ours-crewkit.both"}),
    "a password in the clear": ("plain", {"password": "password"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_product_works_over_each_connection(store: SecureStore, run: Run, tmp_path: Path, way: str) -> None:
    """`provision` makes the tables, and `query-api` becomes ready on them."""
    port, files = WAYS[way]
    env = environment(store, port, f"db_{secrets.token_hex(4)}", **files)

    made = run("provision", env)
    assert made.code == 0, made.complaint
    assert "generation g1, live" in made.output

    http = free_port()
    line = [sys.executable, "-P", "-m", "cli", "query-api", "--data", str(tmp_path), "--port", str(http)]
    with (tmp_path / "out").open("wb") as out:
        serving = subprocess.Popen(line, env=os.environ | env, stdout=out, stderr=out)
    try:
        eventually(lambda: answers_200("127.0.0.1", http, "/readyz"))
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(20) == 0
    assert PASSWORD not in (tmp_path / "out").read_text()


LOGIN = OURS | {"password": "password"}
REFUSALS = {
    "an expired certificate": ("expired", LOGIN, r"the certificate of 127.0.0.1:\d+ has expired: check STORE_CA_FILE"),
    "another CA": ("stranger", LOGIN, "was not issued by a CA that we trust .*: check STORE_CA_FILE"),
    "no CA": ("tls", {"password": "password"}, "was not issued by a CA that we trust .*: check STORE_CA_FILE"),
    "a wrong name": ("misnamed", LOGIN, "is for another name: check STORE_CA_FILE"),
    "no client certificate": ("mutual", LOGIN, "asks for a client certificate, .* STORE_CERT_FILE and STORE_KEY_FILE"),
    "an expired client certificate": (
        "mutual",
        LOGIN | {"cert": "ours-crewkit-expired.both"},
        "asks for a client certificate, .* STORE_CERT_FILE",
    ),
    "a client certificate of another CA": (
        "mutual",
        LOGIN | {"cert": "other-crewkit.both"},
        "asks for a client certificate, .* STORE_CERT_FILE",
    ),
}


@pytest.mark.parametrize(
    ("wrong", "command"),
    [
        *((wrong, "provision") for wrong in REFUSALS),
        ("another CA", "query-api"),
        ("no client certificate", "query-api"),
    ],
)
def test_what_does_not_fit_ends_the_start(store: SecureStore, run: Run, wrong: str, command: str) -> None:
    """The start ends with one sentence, an exit code, and no password in the output."""
    port, files, said = REFUSALS[wrong]

    _is_refused(run(command, environment(store, port, **files)), said)


@pytest.mark.parametrize("command", ["provision", "query-api"])
def test_tls_on_one_side_alone_ends_the_start(store: SecureStore, run: Run, command: str) -> None:
    """Each side names the wrong setting."""
    env = environment(store, "plain", **LOGIN)
    in_the_clear = env | {"STORE_URL": store.url("plain") + "?secure=true"}
    _is_refused(run(command, in_the_clear), "does not speak TLS: check the port and `secure` in STORE_URL")

    env = environment(store, "tls", password="password")
    secure = env | {"STORE_URL": env["STORE_URL"].removesuffix("?secure=true")}
    _is_refused(run(command, secure), "speaks TLS: add .secure=true to STORE_URL")


def _is_refused(done: Ended, said: str) -> None:
    assert (done.code, done.output) == (1, ""), done
    lines = done.complaint.strip().splitlines()
    assert len(lines) == 1, done.complaint
    assert re.search(said, lines[0]), lines[0]
    assert PASSWORD not in done.complaint


def test_a_wrong_password_or_another_users_certificate_is_refused(store: SecureStore, run: Run) -> None:
    """The refusal reaches the operator over TLS, without the password."""
    wrong = run("provision", environment(store, "tls", **OURS, password="wrong-password"))
    assert wrong.code != 0
    assert "Traceback" not in wrong.complaint
    assert "not-the-password" not in wrong.complaint

    mallory = Settings(
        store_url=store.url("mutual"),
        store_ca_file=store.file("ours.pem"),
        store_cert_file=store.file("ours-mallory.both"),
    )
    with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="Authentication failed"):
        clickhouse_connect.get_client(**store_address(mallory).options)
