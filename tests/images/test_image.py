"""Single images: what they contain, which account they run as, and what they refuse."""

import json
import re
import time
from collections.abc import Iterator
from importlib.metadata import version

import httpx
import pytest

from processors.fold.fold import FOLD_VERSION
from runtime.services.ports import free_ports
from tests.images.building import EMBEDDED, OURS, attempt, docker
from tests.support import CHECKOUT
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("images")
SEALED = ("--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp")  # noqa: S108 (inside)
OWNED = ("--tmpfs", "/data:uid=10001,gid=10001,mode=700")
INGEST = ("--env", "LOG_URL=kafka://nowhere:9092/topic", "--env", "DEV_TOKENS=1", OURS, "ingest")


@pytest.fixture
def volume() -> Iterator[str]:
    """Make a volume for one test."""
    name = docker("volume", "create")
    yield name
    docker("volume", "rm", name)


def test_the_labels_say_what_it_is() -> None:
    """Without starting it, an operator sees the version, and whether its projectors fit the tables."""
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", OURS))

    assert labels["org.opencontainers.image.version"] == version("crewkit-sessions")
    assert labels["io.crewkit.fold-version"] == str(FOLD_VERSION)


@pytest.mark.parametrize(("image", "has_engine"), [(OURS, False), (EMBEDDED, True)])
def test_packages_are_those_of_the_lock(image: str, has_engine: bool) -> None:
    """No other versions, and the engine only where it is used."""
    code = "import importlib.metadata as m; print(*[f'{d.name}=={d.version}' for d in m.distributions()])"
    installed = packages(docker("run", "--rm", "--entrypoint", "/opt/crewkit/bin/python", image, "-c", code))
    locked = packages((CHECKOUT / "requirements.lock").read_text())

    assert installed - locked == {f"crewkit-sessions=={version('crewkit-sessions')}"}
    assert any(name.startswith("chdb") for name in installed) == has_engine


def packages(text: str) -> set[str]:
    """Return every name==version, the names as package indexes normalise them."""
    found = re.findall(r"(?:^|\s)([A-Za-z0-9._-]+)==(\S+)", text)
    return {f"{re.sub(r'[-._]+', '-', name).lower()}=={number}" for name, number in found}


def test_up_runs_sealed_and_ends_with_0(volume: str) -> None:
    """On a read-only root, without any capability; a replaced container finds everything on the volume."""
    port = free_ports(1)[0]
    command = ("run", "--detach", *SEALED, "--volume", f"{volume}:/data", "--publish", f"127.0.0.1:{port}:8080")
    made = []
    for _ in range(2):
        container = docker(*command, EMBEDDED)
        try:
            eventually(lambda: is_ready(port), within_s=60)
            made.append(docker("exec", container, "sh", "-c", "cat /data/secrets/seed.key"))
            began = time.monotonic()
            docker("stop", "--time", "40", container)
            assert time.monotonic() - began < 30
            assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
        finally:
            docker("rm", "--force", container)

    assert made[0] == made[1]


def is_ready(port: int) -> bool:
    """Return whether the service says that it is ready."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_a_volume_of_another_account_is_refused(volume: str) -> None:
    """The message names the folder; nothing is written."""
    docker("run", "--rm", "--volume", f"{volume}:/data", "--entrypoint", "true", EMBEDDED)

    refused = attempt("run", "--rm", *SEALED, "--user", "12345:12345", "--volume", f"{volume}:/data", EMBEDDED)

    assert refused.returncode == 2
    assert refused.stderr == "Error: data: /data/settings.toml can't be read by this account: Permission denied\n"
    assert "Traceback" not in refused.stderr


def test_any_uid_may_run_it() -> None:
    """As on platforms that choose one: without an entry in /etc/passwd, on a folder that belongs to it."""
    owned = ("--tmpfs", "/data:uid=12345,gid=0,mode=700")
    done = attempt("run", "--rm", *SEALED, *owned, "--user", "12345:0", OURS, "secrets", "make", "--secrets", "/data/s")

    assert done.returncode == 0, done.stderr


def test_secrets_at_a_wrong_place_are_refused() -> None:
    """A service that made its own would mint ids that other processes refuse."""
    refused = attempt("run", "--rm", *SEALED, *OWNED, *INGEST)

    assert refused.returncode == 2
    assert "/etc/crewkit/secrets/id.keys is missing: copy it from another machine" in refused.stderr


@pytest.mark.parametrize(
    ("owner", "mode", "sentence"),
    [
        ("10001", "644", "is a secret, but other accounts can read or change it: chmod 600"),
        ("12345", "600", "can't be read: Permission denied"),
        ("0", "400", "can't be read: Permission denied"),
    ],
)
def test_secrets_that_are_not_its_own_are_refused(owner: str, mode: str, sentence: str, volume: str) -> None:
    """This includes secrets with the default mode of a mounted volume."""
    mounted = ("--volume", f"{volume}:/etc/crewkit/secrets")
    begin = "chmod 700 /etc/crewkit/secrets && cd /etc/crewkit/secrets && crewkit-sessions secrets make --dev-tokens"
    script = f"{begin} && chmod {mode} * && chown {owner} * && chown 10001 ."
    docker("run", "--rm", *mounted, "--user", "0", "--entrypoint", "sh", OURS, "-c", script)

    refused = attempt("run", "--rm", *SEALED, *OWNED, "--volume", f"{volume}:/etc/crewkit/secrets:ro", *INGEST)

    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr
