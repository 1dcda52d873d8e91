"""Fail-points: places where a test can make the process fail, each named after the step just done. For tests only.

``CREWKIT_FAILPOINT=name:nth:action``, several separated by commas: at the nth pass of ``name`` (counted from 1), the
process is killed with SIGKILL (``kill``), an error is raised (``raise``), or the thread sleeps (``sleep=SECONDS``).
Without the variable, a call does nothing.
"""

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

VARIABLE = "CREWKIT_FAILPOINT"
Effect = Callable[[], None]


class FailPointHit(Exception):
    """Raised by a fail-point with the action ``raise``."""


class BadFailPoint(ValueError):
    """The variable is malformed. The message states the expected form."""


def _raise() -> None:
    raise FailPointHit("a fail-point is set here")


_FORM = re.compile(r"([^:]+):(\d+):(?:(kill|raise)|sleep=(\d+(?:\.\d+)?))")
_EFFECTS: Mapping[str, Effect] = {"kill": lambda: os.kill(os.getpid(), signal.SIGKILL), "raise": _raise}


def parse_fail_points(text: str) -> Mapping[tuple[str, int], Effect]:
    """Return the action of each (name, pass number). Raises `BadFailPoint`."""
    actions: dict[tuple[str, int], Effect] = {}
    for part in filter(None, text.split(",")):
        found = _FORM.fullmatch(part)
        if found is None:
            raise BadFailPoint(f"{VARIABLE}: {part!r} is not name:nth:kill|raise|sleep=SECONDS")
        name, nth, effect, seconds = found.groups()
        actions[name, int(nth)] = _EFFECTS[effect] if effect else partial(time.sleep, float(seconds))
    return actions


def arm(actions: Mapping[tuple[str, int], Effect]) -> Callable[[str], None]:
    """Return the function to call at each place. It counts the passes of each name across all threads."""
    passed: Counter[str] = Counter()
    lock = threading.Lock()

    def fail_point(name: str) -> None:
        with lock:
            passed[name] += 1
            action = actions.get((name, passed[name]))
        if action is not None:
            action()

    return fail_point


def _off(name: str) -> None:
    """Do nothing."""


fail_point: Callable[[str], None] = arm(parse_fail_points(os.environ[VARIABLE])) if os.environ.get(VARIABLE) else _off
