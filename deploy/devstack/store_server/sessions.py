"""Requests that name the same session run one after the other. A session keeps no state: each request stands alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Sessions:
    """A lock for each session in use, gone with its last user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, session_id: str) -> Iterator[None]:
        """Wait for one's turn in the session; no session, no wait."""
        if not session_id:
            yield
            return
        key = session_id
        with self._lock:
            turn, waiting = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = (turn, waiting + 1)
        try:
            with turn:
                yield
        finally:
            self._leave(key)

    def _leave(self, key: str) -> None:
        with self._lock:
            turn, waiting = self._turns[key]
            if waiting == 1:
                del self._turns[key]
            else:
                self._turns[key] = (turn, waiting - 1)
