"""An export in an object store.

No lock would be enough: a process may be suspended for hours, and continue while another one exports. So the manifest
names the writer that may change the export. Another writer takes over by replacing the manifest, and the next swap of
the first one fails. What it writes until then has its id in its name, so it replaces no segment of another writer.
"""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from ingest.log.archive.bucket_errors import explained
from ingest.log.archive.place import Stored
from ingest.log.archive.refusals import Refused

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

_WRITER_BYTES = 8
_FAILURES = (BaseError, FileNotFoundError)
logger = structlog.get_logger()


class Bucket:
    """`ingest.log.archive.place.Place` under a prefix of a bucket. A version is an ETag, a swap a conditional put."""

    def __init__(self, store: "ObjectStore", name: str) -> None:
        """Take a store that adds the prefix; ``name`` is for messages."""
        self._store, self._name, self._warned = store, name, False

    @property
    def name(self) -> str:
        return self._name

    def read(self, name: str) -> Stored:
        try:
            found = obstore.get(self._store, name)
            return Stored(found.bytes().to_bytes(), self._checked(found.meta["e_tag"]))
        except FileNotFoundError:
            raise FileNotFoundError(name) from None
        except BaseError as error:
            raise explained(error, self._name) from error

    def sizes(self) -> Mapping[str, int]:
        try:
            return {one["path"]: one["size"] for one in obstore.list_with_delimiter(self._store)["objects"]}
        except _FAILURES as error:
            raise explained(error, self._name) from error

    def write(self, name: str, content: bytes) -> None:
        try:
            obstore.put(self._store, name, content, use_multipart=False)
        except _FAILURES as error:
            raise explained(error, self._name) from error

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        try:
            return self._put(name, content, "create" if version is None else {"e_tag": version})
        except (AlreadyExistsError, PreconditionError):
            with contextlib.suppress(FileNotFoundError):
                there = self.read(name)
                if there.content == content:  # the first try succeeded, but its answer was lost
                    return there.version
        except _FAILURES as error:
            raise explained(error, self._name) from error
        raise Refused(f"another process exports into {self._name}: let only one do so, then run the command again")

    def remove(self, name: str) -> None:
        try:
            obstore.delete(self._store, name)
        except _FAILURES as error:
            raise explained(error, self._name) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[str]:
        yield secrets.token_hex(_WRITER_BYTES)

    def _put(self, name: str, content: bytes, mode: "PutMode") -> str:
        put = obstore.put(self._store, name, content, mode=mode, use_multipart=False)
        if put["version"] not in (None, "null") and not self._warned:  # "null": versions were kept, but no longer are
            logger.warning("bucket_keeps_old_versions", bucket=self._name, hint="expire them: they have erased records")
            self._warned = True
        return self._checked(put["e_tag"])

    def _checked(self, e_tag: str | None) -> str:
        if not e_tag:
            raise Refused(f"{self._name} gives objects no ETag, which exports need: use another object store")
        return e_tag
