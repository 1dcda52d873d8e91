"""The store server receives a stop signal, whichever of its threads the kernel delivers it to."""

import signal
import subprocess
import sys

import pytest

from tests.support import CHECKOUT

WAITS = """
import signal, sys, threading, time
from devstack.store_server.stop_signal import stop_signal

def take():
    time.sleep(0.3)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))
    time.sleep(60)

with stop_signal() as wait:
    threading.Thread(target=take, daemon=True).start()
    wait()
print("heard")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_another_thread_received_ends_the_wait(number: signal.Signals) -> None:
    """A lock would not do: the handler runs in the main thread, which a signal to another thread does not wake."""
    done = subprocess.run(
        [sys.executable, "-c", WAITS, str(int(number))],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "heard\n", "")
