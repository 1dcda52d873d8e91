"""The sender's program: `python -I -S send.py`. A hook starts it in its own session."""

import os
import sys

if __name__ == "__main__":
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # after the standard library
    from crewkit_hook.daemon import run_detached

    run_detached()
