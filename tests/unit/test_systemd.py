"""The units of `deploy/systemd`: they are valid, run existing commands, and restart after any exit."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import click
import pytest

from cli.main import crewkit_sessions
from ingest.log.archive.folder import Folder
from runtime.services.http_server import HTTP_DRAIN_S
from runtime.settings.log_reader import archive_place
from runtime.settings.settings import Settings, load_settings
from runtime.settings.store_url import parse_store_url
from tests.support import CHECKOUT
from tests.support.manifests import pods, written

FOLDER = CHECKOUT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
ALWAYS = [name for name in UNITS if name not in ("crewkit-provision.service", "crewkit-log-export.service")]
ONCE = sorted(set(UNITS) - set(ALWAYS))
TO_KAFKA = sorted(set(UNITS) - {"crewkit-audit.service", "crewkit-query-api@.service"})
SCRIPT = FOLDER / "install.sh"
STORE_USERS = {"query-api": "query", "audit": "query", "processors": "projector", "provision": "provision"}
KEYS = {"seed.key", "id.keys", "operator.pub"}
OF_UNITS_ALONE = {"STORE_ADDRESS", "PARTITIONS_AT_FIRST"}  # parts of command lines
SHARED = ("User", "NoNewPrivileges", "ProtectSystem", "SystemCallFilter")


def lines(name: str) -> dict[str, list[str]]:
    """Return the values of each key of a unit, in order."""
    found = defaultdict(list)
    for line in (FOLDER / name).read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def example() -> dict[str, str]:
    """Return the variables in the example of `/etc/crewkit/env`, including commented ones."""
    text = (FOLDER / "env.example").read_text()
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def command(name: str, instance: int = 0) -> list[str]:
    """Return the words that a unit passes to `crewkit-sessions`, as systemd expands them."""
    (line,) = lines(name)["ExecStart"]
    line = line.replace("%i", str(instance)).replace("%S", "/var/lib").replace("%N", name.removesuffix(".service"))
    program, *words = shlex.split(re.sub(r"\$\{(\w+)\}", lambda found: example()[found[1]], line))
    assert program == "/opt/crewkit/bin/crewkit-sessions"
    return words


def given(name: str) -> dict[str, str]:
    """Return the options that a unit gives its command, by setting name."""
    words = command(name)
    return {word[2:].replace("-", "_"): words[at + 1] for at, word in enumerate(words) if word.startswith("--")}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: apt-get install systemd)"
)
def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    """With an existing program, and with the drop-in for Kafka's passwords."""
    for path in (*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")):
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/crewkit/bin/crewkit-sessions", "/bin/true"))
    for name in TO_KAFKA:
        (tmp_path / f"{name}.d").mkdir()
        shutil.copy(FOLDER / "kafka-login.conf", tmp_path / f"{name}.d")
    names = [str(path) for path in sorted(tmp_path.glob("*.*")) if path.is_file()]

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )

    ours = [line for line in done.stderr.splitlines() if "crewkit" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_the_drop_in_for_kafka_names_every_unit_that_uses_it() -> None:
    """The others never connect to Kafka."""
    named = re.findall(r"crewkit-[\w@-]+\.service", (FOLDER / "kafka-login.conf").read_text())

    assert sorted(named) == TO_KAFKA


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_a_command_with_options_that_exist(name: str) -> None:
    """The command line itself parses them; nothing runs."""
    found: click.Command = crewkit_sessions
    words, context = command(name), click.Context(crewkit_sessions)
    while isinstance(found, click.Group):
        found = found.commands[words.pop(0)]

    found.make_context(name, words, parent=context)


@pytest.mark.parametrize("name", UNITS)
def test_variables_are_settings(name: str) -> None:
    """Those in the example, and those that a unit adds; the values are accepted."""
    own = dict(value.split("=", 1) for value in lines(name)["Environment"])
    env = {key: value for key, value in example().items() if key not in OF_UNITS_ALONE} | own

    assert {key.lower() for key in env} - set(Settings.__struct_fields__) == set()
    load_settings({key: value for key, value in given(name).items() if key in Settings.__struct_fields__}, env)
    assert lines(name)["EnvironmentFile"] == ["/etc/crewkit/env"]


@pytest.mark.parametrize("name", UNITS)
def test_each_process_has_its_own_user_of_the_store_and_only_its_secrets(name: str) -> None:
    """A secret is loaded from a folder of root, and is neither in the environment nor on the command line."""
    loaded = dict(value.split(":", 1) for value in lines(name)["LoadCredential"])
    word = command(name)[0]
    user = STORE_USERS.get(word)
    wanted = {"ingest": KEYS, "query-api": KEYS, "provision": KEYS, "log": {"seed.key", "id.keys"}}.get(word, set())

    assert set(loaded) == wanted | ({"store-password"} if user else set())
    assert {Path(path).parent for path in loaded.values()} <= {Path("/etc/crewkit/secrets")}
    assert ("SECRETS=%d" in lines(name)["Environment"]) == bool(wanted)
    if user:
        assert loaded["store-password"] == f"/etc/crewkit/secrets/store-{user}"
        assert "STORE_PASSWORD_FILE=%d/store-password" in lines(name)["Environment"]
        assert parse_store_url(given(name)["store_url"]).options["username"] == f"crewkit_{user}"


@pytest.mark.parametrize("name", ALWAYS)
def test_a_service_starts_again_after_any_end_and_for_ever(name: str) -> None:
    """This includes the watchdog's exit code 70; requests in progress are finished before systemd kills."""
    unit = lines(name)

    assert (unit["Type"], unit["Restart"], unit["RestartSec"]) == (["exec"], ["always"], ["2"])
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert int(unit["TimeoutStopSec"][0]) > HTTP_DRAIN_S
    assert unit["WantedBy"] == ["multi-user.target"]


@pytest.mark.parametrize("name", ONCE)
def test_what_runs_once_is_not_started_again_or_at_boot(name: str) -> None:
    """`provision` runs on request, and the timer starts the export."""
    unit = lines(name)

    assert (unit["Type"], unit["Restart"], unit["WantedBy"]) == (["oneshot"], [], [])


def test_instances_on_one_machine_have_different_ports() -> None:
    """There are ten of each kind."""
    ports = [
        port
        for name in UNITS
        for instance in (range(10) if "@" in name else [0])
        for word, port in zip(command(name, instance), command(name, instance)[1:], strict=False)
        if word.endswith("-port") or word == "--port"
    ]

    assert len(set(ports)) == len(ports) == 10 * 5 + 2


def test_a_projector_has_its_instance_as_its_number() -> None:
    """Its membership in the consumer group is this number together with the machine's name."""
    assert [command("crewkit-projector@.service", number)[2] for number in (0, 7)] == ["0", "7"]


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_closed_alike(name: str) -> None:
    """Each has the same list, so that a new unit forgets nothing."""
    text, first = (FOLDER / name).read_text(), (FOLDER / UNITS[0]).read_text()
    part = re.compile(r"^User=crewkit\n.*?\n(?=\n|\Z)", re.MULTILINE | re.DOTALL)

    assert part.findall(text) == part.findall(first) != []
    for key in SHARED:
        assert lines(name)[key], key


@pytest.mark.parametrize("name", UNITS)
def test_data_is_in_a_folder_of_the_unit(name: str) -> None:
    """The rest of the file system is read-only."""
    unit = lines(name)

    assert (unit["StateDirectory"], unit["StateDirectoryMode"]) == (["crewkit/%N"], ["0700"])
    assert "DATA=%S/crewkit/%N" in unit["Environment"]
    assert unit["UMask"] == ["0077"]


def test_only_the_keeper_can_write_the_archive() -> None:
    """The example is in its folder, which is read-only to the other units."""
    place = archive_place(load_settings({}, {"ARCHIVE_URL": example()["ARCHIVE_URL"]}))

    assert isinstance(place, Folder)
    assert Path(place.name).parent == Path("/var/lib/crewkit/crewkit-keeper")
    assert [name for name in UNITS if "ReadWritePaths" in lines(name)] == []


def test_memory_is_bounded_as_on_kubernetes() -> None:
    """The same process needs the same amount."""
    limits = {
        pod.containers[0]["args"][0]: pod.containers[0]["resources"]["limits"]["memory"] for pod in pods(written())
    }

    assert {command(name)[0]: lines(name)["MemoryMax"][0] for name in UNITS} == {
        word: limit.removesuffix("i") for word, limit in limits.items()
    }


def test_the_script_only_says_what_it_would_do() -> None:
    """A dry run needs no rights, and changes nothing."""
    said = subprocess.run(
        [SCRIPT, "--dry-run"], capture_output=True, text=True, env={"PATH": PATH, "PYTHON": "/usr/bin/true"}, check=True
    )

    for path in (*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")):
        assert f"install -m 644 {path} /etc/systemd/system/\n" in said.stdout
    assert "systemctl daemon-reload" in said.stdout
    assert said.stderr == ""


def test_the_script_refuses_a_python_that_the_services_cannot_read(tmp_path: Path) -> None:
    """They can't see home folders. Otherwise every start would end with `Permission denied`."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho /home/alice/.pyenv/versions/3.12\n")
    python.chmod(0o755)

    done = subprocess.run(
        [SCRIPT, "--yes"], capture_output=True, text=True, env={"PATH": PATH, "PYTHON": str(python)}, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "is in a home folder (/home/alice/.pyenv/versions/3.12)" in done.stderr


@pytest.mark.parametrize("options", [("--yes", "--wrong"), ("now",)])
def test_the_script_refuses_unknown_options(options: tuple[str, ...]) -> None:
    """This happens before it does anything."""
    done = subprocess.run([SCRIPT, *options], capture_output=True, text=True, env={"PATH": PATH}, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage:")


PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
