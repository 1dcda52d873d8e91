"""The errors with which a log ends its process. They need no library: commands name them before importing one."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from schemas.log.position import Position

EX_CONFIG = 78  # of sysexits.h


class BrokenLog(Exception):
    """The log is not as it must be; the message says what is wrong and what to do."""


class Trimmed(BrokenLog):
    """The log's topic begins at offset ``begins`` of the partition; what was below is only in an archive."""

    def __init__(self, topic: str, at: Position, begins: int) -> None:
        super().__init__(
            f"the topic {topic} has no record at {at}: partition {at.partition} begins at {begins}. What was below is "
            "in the archive of the log: set ARCHIVE_URL to it, as for the keeper that trimmed the topic"
        )
        self.begins = begins


OnBroken = Callable[[BrokenLog], None]


def stop_the_process(error: Exception) -> NoReturn:
    """End the process at once: no acknowledged record is lost, and no wrong one can be acknowledged later."""
    sys.stderr.write(f"Error: {error}\n")
    sys.stderr.flush()
    os._exit(EX_CONFIG)
