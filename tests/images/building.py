"""Build the images: ours from `deploy/Dockerfile`, and one with the servers whose images can't be pulled here."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from devstack.kafka_jars.jars import jars
from tests.support import CHECKOUT

OURS, EMBEDDED, PARTS = "crewkit-sessions:tests", "crewkit-sessions:tests-embedded", "crewkit-parts:tests"
SERVERS = ("kafka", "clickhouse")  # each replaces the image of that name
HERE = Path(__file__).parent
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
BASES = {  # Debian release, and its packages
    "bookworm": "python3,python3-venv,ca-certificates",
    "trixie": "ca-certificates",
}


def docker(*arguments: str, timeout: float = 60, **env: str) -> str:
    """Run a Docker command; return its output, stripped.

    Raises:
        AssertionError: the command failed; the message has its output.
    """
    done = attempt(*arguments, timeout=timeout, **env)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def attempt(*arguments: str, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a Docker command, which may fail."""
    return subprocess.run(
        ["docker", *arguments],
        env=os.environ | env,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def build_images() -> None:
    """Build all images; unchanged layers come from Docker's cache."""
    base = os.environ.get("BASE") or base_image("bookworm")
    build = ("build", "--quiet", "--build-arg", f"BASE={base}", "--file", "deploy/Dockerfile")
    docker(*build, "--tag", OURS, ".", timeout=1200)
    docker(*build, "--tag", EMBEDDED, "--target", "embedded", ".", timeout=1200)
    with tempfile.TemporaryDirectory() as place:
        context = Path(place) / "parts"
        shutil.copytree(HERE / "parts", context)
        shutil.copytree(CHECKOUT / "devstack", context / "devstack", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(jars(), context / "jars")
        base = base_image("trixie")
        docker("build", "--quiet", "--build-arg", f"BASE={base}", "--tag", PARTS, str(context), timeout=1200)
        for server in SERVERS:
            build = ("build", "--quiet", "--target", server, "--tag", stand_in(server))
            docker(*build, "--file", str(context / "servers.Dockerfile"), str(context), timeout=600)


def stand_in(server: str) -> str:
    """Return the image that takes the settings of a server's official image."""
    return f"crewkit-{server}:tests"


def base_image(release: str) -> str:
    """Return an image with a Debian release, built from its packages the first time. This needs root."""
    tag = f"crewkit-base:{release}"
    if attempt("image", "inspect", tag).returncode == 0:
        return tag
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        strap = ["debootstrap", "--variant=minbase", f"--include={BASES[release]}", release, str(root)]
        subprocess.run(strap, check=True, capture_output=True, timeout=900)
        shutil.copy(TRUSTED, root / TRUSTED.relative_to("/"))  # trusted CAs, for package registries
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            trusts = f"ENV SSL_CERT_FILE={TRUSTED}"
            subprocess.run(
                ["docker", "import", "--change", trusts, "-", tag], stdin=tar.stdout, check=True, timeout=300
            )
    return tag
