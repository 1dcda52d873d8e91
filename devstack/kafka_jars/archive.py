"""A class-data archive: the broker's classes in the JVM's own format, so that a start need not read and verify each.

It is made once per Java version and set of jars, and stored beside the jars. A JVM ignores an archive that does not fit
its options.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from devstack.kafka_jars import jars

Record = Callable[[Path], bool]  # writes an archive to this path; returns whether it is complete


def archive_file() -> Path:
    """Return the path of the archive. It changes with every update of Java or the jars."""
    folder = jars.jars()
    files = sorted((jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in folder.glob("*.jar"))
    digest = hashlib.sha256(repr((jars.java_version(jars.java()), files)).encode()).hexdigest()
    return folder.with_name(f"{folder.name}-{digest[:16]}.jsa")


def jvm(*options: str) -> list[str]:
    """Return the command line of a JVM with Kafka's classes, to be followed by a class. Raises `KafkaUnavailable`."""
    file = archive_file()
    is_whole = file.exists() and file.stat().st_size > 0
    archive = [f"-XX:SharedArchiveFile={file}"] if is_whole else []
    return [jars.java(), *archive, *options, "-cp", f"{jars.jars()}/*"]


def recording_jvm(into: Path, *options: str) -> list[str]:
    """Return the command line of a JVM that writes an archive when it ends."""
    return [jars.java(), f"-XX:ArchiveClassesAtExit={into}", *options, "-cp", f"{jars.jars()}/*"]


def make_once(record: Record) -> None:
    """Make the archive unless it exists. A failure is not retried: brokers run without the archive."""
    file = archive_file()
    if file.exists() or not os.access(file.parent, os.W_OK):
        return
    with file.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _make(file, record)


def _make(file: Path, record: Record) -> None:
    """Put a complete archive into place, or an empty file after a failure: a JVM crashes on a partial archive."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="archiving-") as scratch:
        written = Path(scratch) / "classes.jsa"
        if not record(written) or not written.exists():
            file.touch()
            return
        with written.open("rb") as whole:
            os.fsync(whole.fileno())
        written.rename(file)
