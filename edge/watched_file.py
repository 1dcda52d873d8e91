"""A file that is reloaded when it changes. While it is unreadable, its last valid content stays in use."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

logger = structlog.get_logger()

T = TypeVar("T")
POLL_EVERY_S = 2.0


class Unreadable(ValueError):
    """The file is missing or has invalid content. The message completes a sentence that begins with the file name."""


class WatchedFile(Generic[T]):
    """Call ``on_change`` with the parsed content: at once, and after each change.

    Changes are detected by comparing bytes, not times: clocks are coarse, and copies may preserve times.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], T], on_change: Callable[[T], None]) -> None:
        """Read the file for the first time. Raises `Unreadable` if it is missing or invalid."""
        self.path = path
        self.is_broken = False  # its current content is invalid and not in use
        self._parse = parse
        self._on_change = on_change
        self._bytes: bytes | None = self._read()
        on_change(parse(self._bytes))

    async def reload(self) -> None:
        """Reload the file if it has changed. Invalid content is logged once per change."""
        try:
            changed = await asyncio.to_thread(self._changed)
        except Unreadable as error:
            self.is_broken = True
            logger.error(
                "file_not_taken", file=str(self.path), reason=str(error), consequence="the last valid content is used"
            )
            return
        if changed is not None:
            self._on_change(changed[0])
            self.is_broken = False
            logger.info("file_taken", file=str(self.path))

    async def watch(self, every_s: float = POLL_EVERY_S) -> None:
        """Poll the file until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.reload()
            except Exception:  # a parser may fail in any way; the watch must continue
                logger.exception("file_not_taken", file=str(self.path))

    def _changed(self) -> tuple[T] | None:
        before = self._bytes
        try:
            self._bytes = self._read()
        except Unreadable:
            self._bytes = None
            if before is None:
                return None
            raise
        return None if self._bytes == before else (self._parse(self._bytes),)

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from error
