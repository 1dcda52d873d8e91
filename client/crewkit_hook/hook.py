"""The program that an agent starts for each of its events: `python -I -S hook.py CLIENT PROCESS`.

It is small since Python compiles it at each start; the work is in `crewkit_hook.note`, which is compiled once. Whatever
happens, it exits with 0 and prints nothing: an agent would read its output, and stop at its failure.
"""

import os
import sys

if __name__ == "__main__":
    try:
        sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # after the standard library
        from crewkit_hook.note import note

        note(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")  # not every shell knows its parent
    except BaseException:  # noqa: S110
        pass
    os._exit(0)  # at once: nothing is left to do, and a full pipe must not block the exit
