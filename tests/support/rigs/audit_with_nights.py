"""Run `audit` with a night every few seconds; all other times are real.

`python -m tests.support.rigs.audit_with_nights NIGHT_EVERY_S OPTIONS`: the options are those of `audit`.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from audit.watch import NIGHTLY_AT_HOUR, Audit
from cli.main import main
from runtime.services import auditor


class Clock:
    """Returns the time; once every ``night_every_s`` a time at night, each time on another day."""

    def __init__(self, night_every_s: float) -> None:
        self._began, self._every_s, self._nights = time.monotonic(), night_every_s, 0

    def __call__(self) -> datetime:
        """Return the time of the next audit."""
        now = datetime.now(UTC)
        if time.monotonic() - self._began < self._every_s * (self._nights + 1):
            return now
        self._nights += 1
        return (now + timedelta(days=self._nights)).replace(hour=NIGHTLY_AT_HOUR)


if __name__ == "__main__":
    every_s, *options = sys.argv[1:]
    auditor.Audit = partial(Audit, now=Clock(float(every_s)))  # type: ignore[assignment,attr-defined]  # the name that it uses
    sys.argv = ["crewkit-sessions", "audit", *options]
    main()
