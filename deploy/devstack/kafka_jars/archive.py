"""A class-data archive: the broker's classes as the JVM holds them, so that a start need not read and verify each.

It is made once for a Java and the jars, and kept beside them. A JVM for whose options it does not fit ignores it.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.devstack.kafka_jars import jars

Record = Callable[[Path], bool]  # writes an archive to this path; returns whether it is whole


def archive_file() -> Path:
    """Return the place of the archive. After an update of Java or of the jars it is another one."""
    folder = jars.jars()
    files = sorted((jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in folder.glob("*.jar"))
    digest = hashlib.sha256(repr((jars.java_version(jars.java()), files)).encode()).hexdigest()
    return folder.with_name(f"{folder.name}-{digest[:16]}.jsa")


def jvm(*options: str) -> list[str]:
    """Return the command line of a JVM with Kafka's classes; the name of one follows. Raises `KafkaUnavailable`."""
    file = archive_file()
    archive = [f"-XX:SharedArchiveFile={file}"] if _is_whole(file) else []
    return [jars.java(), *archive, *options, "-cp", f"{jars.jars()}/*"]


def recording_jvm(into: Path, *options: str) -> list[str]:
    """Return the command line of a JVM that writes an archive when it ends."""
    return [jars.java(), f"-XX:ArchiveClassesAtExit={into}", *options, "-cp", f"{jars.jars()}/*"]


def make_once(record: Record) -> None:
    """Make the archive unless it exists. One that could not be made is not tried again: brokers run without it."""
    file = archive_file()
    if file.exists() or not os.access(file.parent, os.W_OK):
        return
    with file.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _make(file, record)


def _make(file: Path, record: Record) -> None:
    """Put a whole archive into place, since a JVM crashes on a part of one; or an empty file."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="archiving-") as scratch:
        written = Path(scratch) / "classes.jsa"
        if not record(written) or not written.exists():
            file.touch()
            return
        with written.open("rb") as whole:
            os.fsync(whole.fileno())
        written.rename(file)


def _is_whole(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0
