"""Run a projector that is given up by its group after 6 seconds of silence instead of 60, the least a broker allows.

`python -m support.impatient_worker DATA INSTANCE`; log, store and partitions are in the environment.
"""

import sys

from deploy.logging import configure_logging
from deploy.settings import load_settings
from deploy.worker import run_worker
from processors import faust_app

SESSION_TIMEOUT_S = 6


def main(data: str, instance: str) -> int:
    """Run until SIGTERM; the exit code."""
    faust_app.SESSION_TIMEOUT_S = SESSION_TIMEOUT_S
    configure_logging()
    return run_worker(load_settings({"data": data, "instance": int(instance)}))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
