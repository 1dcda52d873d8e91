"""Print the state of this process as JSON: `python -P -m tests.integration.process_state ENDING`.

It then ends with an exit code or by a signal (a negative number), or waits for one (`pause`).
"""

import json
import os
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any


def state() -> dict[str, Any]:
    """Return everything that a program can see of its process, except ids and random values."""
    return {
        "arguments": sys.argv,
        "module": sys.modules["__main__"].__spec__.name,  # type: ignore[union-attr]  # it is run by -m
        "flags": str(sys.flags),
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "umask": os.umask(0),
        "group and session": [os.getpgid(0), os.getsid(0)],
        "priority": os.nice(0),
        "limits": [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)],
        "signals": {number: str(signal.getsignal(number)) for number in sorted(signal.valid_signals())},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "descriptors": {file.name: str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.exists()},
        "threads": len(list(Path("/proc/self/task").iterdir())),
    }


def main(ending: str) -> None:
    """Print, and end."""
    print(json.dumps({"state": state(), "random": random.random()}), flush=True)
    if ending == "pause":
        signal.pause()
    elif (code := int(ending)) < 0:
        os.kill(os.getpid(), -code)
    else:
        sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
