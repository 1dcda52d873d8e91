"""Threads that run until the end of a ``with`` block."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Background:
    """Starts ``_threads``; at the end sets ``_stop``, which every thread watches, and waits for them."""

    _threads: Sequence[threading.Thread]

    def __init__(self) -> None:
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
