"""Python environments for baselines whose packages do not fit ours, made when first needed."""

import shutil
import subprocess
import sys
from pathlib import Path

from bench.harness import Report

FOLDER = Path("var") / "bench-environments"
INSTALL_S = 900.0


class NotInstallable(Exception):
    """A package can't be installed on this machine, so nothing is measured; the message says why."""


def python_with(package: str, report: Report) -> Path:
    """Return the interpreter of an environment that holds ``package`` (a requirement) alone.

    Raises:
        NotInstallable: the installer failed.
    """
    folder = (FOLDER / package.replace("==", "-")).absolute()
    python, installed = folder / "bin" / "python", folder / ".installed"
    if not installed.exists():
        report(f"installing {package} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _uv("venv", "--quiet", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(python), package)
        installed.touch()
    return python


def _uv(*words: str) -> None:
    try:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "uv"), *words],
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(f"uv {' '.join(words)}: {error}") from error
    if done.returncode != 0:
        raise NotInstallable(f"uv {' '.join(words)}:\n{done.stderr[-1500:]}")
