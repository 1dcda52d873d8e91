"""Deployed files agree with the code: the image, the two Compose files, the users of the store."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from cli.main import crewkit_sessions
from devstack import image_pins
from devstack.kafka_jars.broker import NEVER_EXPIRE
from processors.fold.fold import FOLD_VERSION
from runtime.settings.settings import Settings
from tests.support import CHECKOUT
from tests.support.rigs.shipped_users import persona, rights

DEPLOY = CHECKOUT / "deploy"
NAMES = {name.upper() for name in Settings.__struct_fields__}
USERS = ElementTree.parse(DEPLOY / "clickhouse" / "users.d" / "crewkit.xml").getroot()  # noqa: S314 (our own file)
DIGEST = r"@sha256:[0-9a-f]{64}"
_BOUNDED = ("max_execution_time", "max_memory_usage")


def composed(file: str) -> dict[str, dict[str, Any]]:
    """Return the services of a Compose file, with its fragments merged."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / file).read_text())["services"]
    return services


def ours() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every service in both files that runs our image."""
    for file in ("compose.yaml", "compose.embedded.yaml"):
        for name, service in composed(file).items():
            if "IMAGE" in service["image"]:
                yield name, service


def test_the_labels_of_the_image_are_true() -> None:
    """An operator reads the labels before anything runs."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()

    assert f"image.version={version('crewkit-sessions')} " in dockerfile
    assert f"fold-version={FOLD_VERSION}\n" in dockerfile
    assert {service["image"].split("crewkit-sessions:")[1].rstrip("}").split("-")[0] for _, service in ours()} == {
        version("crewkit-sessions")
    }


def test_the_image_is_made_of_every_package() -> None:
    """If `.dockerignore` left out a package, the wheel in the image would lack it, and nothing else would notice."""
    wheel = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"bench", "devstack", "tests"}

    assert set(wheel["packages"]) == packages
    assert {f"!{name}" for name in packages} <= set((CHECKOUT / ".dockerignore").read_text().split())


@pytest.mark.parametrize(("name", "service"), list(ours()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_service_has_only_settings_that_exist(name: str, service: dict[str, Any]) -> None:
    """A wrong name would be silently ignored; a wrong command would end the container."""
    known = NAMES | {"SSL_CERT_FILE"}

    assert set(service.get("environment", {})) <= known, name
    assert service.get("command", ["up"])[0] in crewkit_sessions.commands


@pytest.mark.parametrize(("name", "service"), list(ours()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_service_is_sealed(name: str, service: dict[str, Any]) -> None:
    """Our processes can't write to their image, and have no capabilities; secrets are read-only files."""
    assert service["read_only"], name
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert name == "secrets" or service["user"] == "10001:10001"
    mounted = [text for text in service.get("volumes", ()) if text.split(":")[1].startswith("/etc/crewkit")]
    assert all(text.endswith(":ro") for text in mounted)
    assert not [key for key in service.get("environment", {}) if "PASSWORD" in key and not key.endswith("_FILE")]


@pytest.mark.parametrize("name", ["Makefile", "deploy/Dockerfile", "deploy/systemd/install.sh"])
def test_pip_installs_only_uv_and_checks_its_hashes(name: str) -> None:
    """Version and hashes are those of the lock file; uv checks the hashes of all other packages."""
    text = (CHECKOUT / name).read_text().replace("\\\n", "")
    (script,) = re.findall(r"sed -n '(.*?)' \S*requirements\.lock", text)
    lock = (CHECKOUT / "requirements.lock").read_text()
    taken = subprocess.run(["sed", "-n", script], input=lock, capture_output=True, text=True, check=True).stdout

    options = re.findall(r"(?:-m |/bin/)pip install(.*)", text)
    assert [line.split()[-3:] for line in options] == [["--require-hashes", "--requirement", "/dev/stdin"]]
    assert re.fullmatch(r"uv==[\d.]+ \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+ +# via .*\n", taken)


def test_every_image_has_a_version() -> None:
    """An installation stays the same until someone changes the file."""
    for service in composed("compose.yaml").values():
        assert re.search(rf":[\w.]*\d[\w.-]*(?:{DIGEST})?\}}?$", service["image"]), service["image"]


def test_images_of_others_are_pinned_by_the_list() -> None:
    """Every file uses the digest from the list, and an image without a digest has a reason."""
    listed = (DEPLOY / image_pins.LIST).read_text()
    texts = [file.read_text() for pattern in image_pins.USERS for file in DEPLOY.glob(pattern)]
    used = {image for text in texts for image in re.findall(r"(?:image: (?:&\w+ )?|:-|BASE=)([\w./-]+:[^\s}]+)", text)}

    assert {image for image in used if "crewkit-sessions:" not in image} == set(image_pins.references(listed))
    lines = [line for line in listed.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(rf"[\w./-]+:[\w.-]+(?:{DIGEST}| # no digest: .+)", line)] == []


def test_the_log_never_expires() -> None:
    """The broker's settings are those with which the tests run their broker."""
    environment = composed("compose.yaml")["kafka"]["environment"]
    wanted = {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in NEVER_EXPIRE.items()}

    assert {name: str(environment[name]) for name in wanted} == wanted
    assert environment["KAFKA_DELETE_TOPIC_ENABLE"] == "false"


def test_clickhouse_has_no_user_without_a_password() -> None:
    """A server that starts without its image's entrypoint would accept the user `default` from anywhere."""
    assert USERS.find("users/default[@remove]") is not None


def test_plugins_have_a_version() -> None:
    """Grafana downloads its plugins at the first start."""
    plugins = composed("compose.yaml")["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"]

    assert all(re.fullmatch(r"[\w-]+@[\d.]+", plugin) for plugin in plugins.split(","))


def test_ports_are_published_for_this_machine_alone() -> None:
    """Letting other machines in must be an operator's decision."""
    published = [
        port
        for file in ("compose.yaml", "compose.embedded.yaml")
        for service in composed(file).values()
        for port in service.get("ports", ())
    ]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_only_what_writes_or_reads_the_log_is_in_its_network() -> None:
    """The broker requires no password there."""
    services = composed("compose.yaml")

    members = {name for name, service in services.items() if "log" in (service.get("networks") or {})}
    writing = {"ingest-1", "ingest-2", "provision", "tools"}
    reading = {"projector-1", "projector-2", "keeper", "backup"}
    assert members == {"kafka"} | writing | reading


def test_projectors_have_a_host_name_each() -> None:
    """The host name is the membership in the consumer group, and a replaced container must keep it."""
    services = composed("compose.yaml").items()
    projectors = {name: found for name, found in services if found.get("command") == ["processors"]}

    assert {found["hostname"] for found in projectors.values()} == set(projectors)


def test_the_proxy_repeats_no_write_that_a_server_may_have_received() -> None:
    """If a write was accepted but its response was lost, the client must send it again, not the proxy."""
    sections = re.split(r"^(?=\S)", (DEPLOY / "compose" / "haproxy.cfg").read_text(), flags=re.MULTILINE)
    repeating = [section for section in sections if re.search(r"^ +retry-on (?!conn-failure$)", section, re.MULTILINE)]

    assert [section.partition("\n")[0] for section in repeating] == ["backend query-api"]
    assert "\n    http-request disable-l7-retry if METH_POST\n" in repeating[0]


@pytest.mark.parametrize("user", ["crewkit_provision", "crewkit_projector", "crewkit_query", "crewkit_teams"])
def test_users_of_a_server_that_is_configured_by_files_have_the_same_rights(user: str) -> None:
    """The rights of `users.sql` are those under which tests run every process."""
    granted = {grant.text for grant in USERS.findall(f"users/{user}/grants/query")}

    assert granted == {right.grant for right in rights() if right.user == user}


@pytest.mark.parametrize("user", ["crewkit_query", "crewkit_teams"])
def test_their_limits_are_the_same(user: str) -> None:
    """The profiles of readers have the same values and bounds."""
    name_of_profile = USERS.findtext(f"users/{user}/profile")
    of_sql, profile = persona(user), USERS.find(f"profiles/{name_of_profile}")
    assert profile is not None

    assert {found.tag: found.text for found in profile if found.tag != "constraints"} == dict(of_sql.settings)
    bounds = {name: {"max": profile.findtext(f"constraints/{name}/max")} for name in _BOUNDED}
    assert bounds == of_sql.constraints


def test_every_user_has_a_password_from_outside() -> None:
    """No user has an empty password, and the server's default user is removed."""
    users = {user.tag: user for user in USERS.findall("users/*")}

    assert users.pop("default").attrib == {"remove": "remove"}
    for name, user in users.items():
        digest = user.find("password_sha256_hex")
        assert digest is not None
        assert digest.get("from_env") == f"{name.upper()}_SHA256"
