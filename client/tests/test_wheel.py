"""The hook client's wheel, as a developer installs it: with only Python."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import CHECKOUT

UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as `make client` does."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder))
    subprocess.run([UV, "build", *options, str(CHECKOUT / "client")], check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_client_alone(wheel: Path) -> None:
    """It includes the licence, and needs no package."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    client = CHECKOUT / "client"
    sources = {str(file.relative_to(client)) for file in (client / "crewkit_hook").rglob("*.py")}

    assert {name for name in names if ".dist-info/" not in name} == sources
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "Requires-Dist" not in metadata
    assert "Requires-Python: >=3.9" in metadata


def test_it_runs_from_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """The command says what to do; the hooks that it prints run there, exit with 0 and print nothing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True, timeout=60)
    python = tmp_path / "own" / "bin" / "python"
    options = ("--quiet", "--no-index", "--python", str(python))
    subprocess.run([UV, "pip", "install", *options, str(wheel)], check=True, timeout=60)
    command, environment = (
        tmp_path / "own" / "bin" / "crewkit-hook",
        {"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )

    status = subprocess.run(
        [command, "status"], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    printed = subprocess.run(
        [python, "-c", "from crewkit_hook import program; print(program.lasting().command('codex'))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    hook = subprocess.run(
        ["/bin/sh", "-c", printed.stdout], env=environment, input=b"{}", capture_output=True, check=False, timeout=30
    )

    assert "run `crewkit-hook connect`" in status.stdout
    assert str(tmp_path / "own") in printed.stdout
    assert (hook.returncode, hook.stdout, hook.stderr) == (0, b"", b"")
