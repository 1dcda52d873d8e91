"""Faults: the single process of the embedded default is killed in the middle of writes."""

import random
import time
from pathlib import Path

from support.history import History
from support.installation import Installation


def test_what_up_acknowledged_survives_kill_9_and_what_it_did_not_may_be_sent_again(tmp_path: Path) -> None:
    """Killed again and again under load, then everything sent is there exactly once, in counts, sums and audit."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    installation = Installation("up", tmp_path / "up").start()
    try:
        history = History(installation, seed)
        writers = history.in_threads(3, sessions=4, batches=60, size=70)
        for _ in range(4):
            time.sleep(chance.uniform(0.3, 1.5))
            installation.kill()
            installation.start()
        for writer in writers:
            writer.join(timeout=120)
            assert not writer.is_alive()

        history.check()

        assert history.resent > 0
        assert installation.stop() == 0
    finally:
        installation.end()
