"""A file that is read again when it changes. While it can't be read, what was read last goes on counting."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from litestar import Litestar

logger = structlog.get_logger()

T = TypeVar("T")
POLL_EVERY_S = 2.0


class Unreadable(ValueError):
    """The file is missing, or does not hold what it should; the message goes on after its name."""


class WatchedFile(Generic[T]):
    """``take`` is called with what the file holds: at once, and again after each change.

    Changes are found by comparing the bytes, since times can deceive: clocks are coarse, and copies may keep them.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], T], take: Callable[[T], None]) -> None:
        """Read it for the first time.

        Raises:
            Unreadable: there is nothing to fall back on yet.
        """
        self.path = path
        self.is_broken = False  # what it holds now is not what counts
        self._parse = parse
        self._take = take
        self._bytes: bytes | None = self._read()
        take(parse(self._bytes))

    async def look(self) -> None:
        """Read it again if it has changed; what is wrong with it is logged, once for each change."""
        try:
            changed = await asyncio.to_thread(self._changed)
        except Unreadable as error:
            self.is_broken = True
            logger.error("file_not_taken", file=str(self.path), reason=str(error), consequence="the last one counts")
            return
        if changed is not None:
            self._take(changed[0])
            self.is_broken = False
            logger.info("file_taken", file=str(self.path))

    async def follow(self, every_s: float = POLL_EVERY_S) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.look()
            except Exception:  # whatever a file may do to a parser: nobody would notice a watch that has ended
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


def watching_files(files: Sequence[WatchedFile[Any]]) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan during which these files are followed."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        watching_files = [asyncio.ensure_future(file.follow()) for file in files]
        try:
            yield
        finally:
            for task in watching_files:
                task.cancel()

    return lifespan
