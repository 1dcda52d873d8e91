"""npm packages that tests need, installed once per lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crewkit-sessions-tests"
INSTALL_S = 180


def installed_packages(source: Path) -> Path:
    """Return a folder with the packages of the lock file in ``source``; skip the test if npm is missing or fails.

    With REQUIRE_NPM=1 the test fails instead.
    """
    if shutil.which("npm") is None or shutil.which("node") is None:
        _give_up("needs Node and npm")
    lock = (source / "package-lock.json").read_bytes()
    folder = CACHE / f"{source.name.replace('_', '-')}-{hashlib.sha256(lock).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # another test process may install at the same time
        if not (folder / "installed").exists():
            _install(source, folder)
    return folder


def _install(source: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        _give_up(f"npm did not install {source.name} within {INSTALL_S} s")
    if ended.returncode:
        _give_up(f"npm can't install {source.name}: {ended.stderr[-500:]}")
    (folder / "installed").touch()


def _give_up(reason: str) -> None:
    if os.environ.get("REQUIRE_NPM") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
