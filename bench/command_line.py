"""How long does a command take from its start to its end, when it only prints?"""

import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median
from time import perf_counter

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import UNSET, temporary_folder
from runtime.settings.secret_making import make_embedded_secrets

RUNS, MARK_MS = 25, 150
COMMANDS = {"help": ["--help"], "token": ["token", "--org", "acme", "--user", "alice", "--role", "admin"]}


def _measure_start(report: Report) -> list[Figure]:
    """Time the overview and `token`, each in a new process, with the .pyc files of all modules written."""
    with temporary_folder() as folder:
        make_embedded_secrets(folder / "secrets")
        environment = {**os.environ, **UNSET, "DATA": str(folder), "PYTHONDONTWRITEBYTECODE": ""}
        times_ms = {name: _times_ms(words, environment, report) for name, words in COMMANDS.items()}
    return [figure for name, times in times_ms.items() for figure in _figures(name, times)]


def _times_ms(words: Sequence[str], environment: dict[str, str], report: Report) -> list[float]:
    command = [sys.executable, "-P", "-m", "cli", *words]
    _time_ms(command, environment)  # writes the .pyc files
    times = []
    for run in range(RUNS):
        report(f"{words[0]}, {run} of {RUNS} runs")
        times.append(_time_ms(command, environment))
    return times


def _time_ms(command: Sequence[str], environment: dict[str, str]) -> float:
    began = perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return (perf_counter() - began) * 1e3


def _figures(name: str, times_ms: Sequence[float]) -> list[Figure]:
    return [
        without_mark(f"cli_start {name} fastest", min(times_ms), "ms"),
        at_most(f"cli_start {name} median", median(times_ms), "ms", MARK_MS),
        without_mark(f"cli_start {name} slowest", max(times_ms), "ms"),
    ]


QUESTIONS = (BenchQuestion("cli_start", "start to end of `--help` and of `token`", _measure_start),)
