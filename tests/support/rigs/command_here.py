"""Run `crewkit-sessions` in this process, for commands that end by themselves."""

import os
import sys
from typing import NamedTuple

import pytest

from cli.main import main


class Ended(NamedTuple):
    """The exit code and output of a command."""

    code: int
    output: str
    complaint: str


def command_here(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run `crewkit-sessions ARGUMENTS`, and restore this process's umask."""
    mask = os.umask(0)  # the command sets its own
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "argv", ["crewkit-sessions", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
    finally:
        os.umask(mask)
    return Ended(int(ended.value.code or 0), *capsys.readouterr())
