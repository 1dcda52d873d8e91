"""`deploy/compose.embedded.yaml`: `up` in a container, with one volume."""

import os
import subprocess

import pytest

from runtime.services.ports import free_ports
from tests.images.building import EMBEDDED, attempt


@pytest.mark.usefixtures("images")
def test_the_demo_passes_in_the_container() -> None:
    """The two commands at the beginning of the file lead to numbers that are proved right."""
    port = str(free_ports(1)[0])

    def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
        project = ("compose", "--project-name", f"crewkit-up-{os.getpid()}", "--file", "deploy/compose.embedded.yaml")
        return attempt(*project, *arguments, timeout=300, IMAGE=EMBEDDED, PORT=port)

    try:
        started = compose("up", "--detach", "--wait")
        assert started.returncode == 0, started.stderr
        demo = ("crewkit-sessions", "demo", "--data", "/data", "--sessions", "20", "--events", "1000")
        done = compose("exec", "--no-TTY", "up", *demo)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        compose("down", "--volumes")
