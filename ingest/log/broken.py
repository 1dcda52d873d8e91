"""The error with which a log ends its process. It needs no library, so commands can name it before importing one."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

EX_CONFIG = 78  # of sysexits.h


class BrokenLog(Exception):
    """The log is not as it must be; the message says what is wrong and what to do."""


OnBroken = Callable[[BrokenLog], None]


def stop_the_process(error: Exception) -> NoReturn:
    """End the process at once: no acknowledged record is lost, and no wrong one can be acknowledged later."""
    sys.stderr.write(f"Error: {error}\n")
    sys.stderr.flush()
    os._exit(EX_CONFIG)
