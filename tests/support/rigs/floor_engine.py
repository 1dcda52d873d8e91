"""The oldest supported ClickHouse, as an engine in a separate folder: not a dependency of the product.

It is installed once into the account's cache folder, with the hashes of `floor_engine.txt`. A process with that folder
on its PYTHONPATH uses this engine instead of the one in `.venv`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.settings.cache_folder import cache_folder

REQUIREMENTS = Path(__file__).with_suffix(".txt")


def floor_engine() -> Path:
    """Return its folder. Skip if it can't be installed, or fail if `REQUIRE_CHDB_FLOOR=1` requires it."""
    version = REQUIREMENTS.read_text().partition("chdb-core==")[2].split()[0]
    folder = cache_folder() / f"chdb-core-{version}"
    if not folder.exists():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder.parent))
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--target", place, "--requirements", REQUIREMENTS], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(place)
        reason = f"chdb-core of the floor can't be installed: {done.stderr.strip()}"
        if os.environ.get("REQUIRE_CHDB_FLOOR") == "1":
            pytest.fail(f"REQUIRE_CHDB_FLOOR=1, but {reason}")
        pytest.skip(reason)
    with suppress(OSError):  # another worker was faster
        place.rename(folder)
    shutil.rmtree(place, ignore_errors=True)
