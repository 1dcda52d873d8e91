"""End a process of a test, in any state."""

import signal
import subprocess


def end_process(process: subprocess.Popen[bytes] | None, within_s: float = 20) -> None:
    """Send SIGTERM and wait, then SIGKILL. First resume a paused process; ignore one that has ended."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
