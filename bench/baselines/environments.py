"""Python environments for baselines whose packages conflict with ours, created on first use."""

import subprocess
import sys
from pathlib import Path

from bench.question import Report

FOLDER = Path("var") / "bench-environments"
INSTALL_S = 900.0


class NotInstallable(Exception):
    """A package can't be installed on this machine; the message says why."""


def python_with(package: str, report: Report) -> Path:
    """Return the Python of an environment with only ``package`` (a requirement). Raises `NotInstallable`."""
    folder = (FOLDER / package.replace("==", "-")).absolute()
    report(f"installing {package} into {folder}")
    _uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    _uv("pip", "install", "--quiet", "--python", str(folder), package)
    return folder / "bin" / "python"


def _uv(*words: str) -> None:
    command = [str(Path(sys.executable).parent / "uv"), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(f"uv {' '.join(words)}: {error}") from error
    if done.returncode != 0:
        raise NotInstallable(f"uv {' '.join(words)}:\n{done.stderr[-1500:]}")
