"""The broker's jars: fetched once with Maven, then shared by every checkout and test run of this user.

The tests fetch ZooKeeper's jars the same way, with their own file in place of `pom.xml`. A file beside each pom has the
SHA-256 of every jar, in the format of `sha256sum`: jars that differ are not run.

Beside the jars is a class-data archive: the broker's classes in the JVM's own format, so that a start need not read and
verify each. It is made once per Java version and set of jars. A JVM ignores an archive that does not fit its options.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from runtime.settings.private_files import cache_folder

KAFKA_VERSION = "4.4.0"
JAVA_MIN = 17
FETCH_S = 300.0
INSTALL_HINT = f"install Java {JAVA_MIN} or newer and Maven (Debian: apt-get install openjdk-17-jre-headless maven)"


class KafkaUnavailable(Exception):
    """No broker can be run from jars here; the message says what to install."""


class JarSet(NamedTuple):
    """The jars of a program: its name and version, the pom that lists them, and a jar that must be among them."""

    name: str
    version: str
    pom: Path
    needed: str  # a pattern

    def cache_dir(self) -> Path:
        """Return the folder that holds, or will hold, the jars."""
        return cache_folder() / f"{self.name.lower()}-{self.version}"


KAFKA = JarSet("Kafka", KAFKA_VERSION, Path(__file__).with_name("pom.xml"), "kafka_*.jar")


def java() -> str:
    """Return the path of a Java that can run the broker (`JAVA_HOME` first, then `PATH`). Raises `KafkaUnavailable`."""
    home = os.environ.get("JAVA_HOME")
    found = (shutil.which("java", path=str(Path(home) / "bin")) if home else None) or shutil.which("java")
    if found is None:
        raise KafkaUnavailable(f"Kafka needs Java, and none is installed: {INSTALL_HINT}")
    version = re.search(r'version "(?:1\.)?(\d+)', java_version(found))  # such as "17.0.15", or "1.8.0" for Java 8
    major = int(version[1]) if version else 0
    if major < JAVA_MIN:
        raise KafkaUnavailable(f"Kafka needs Java {JAVA_MIN} or newer; {found} is version {major}: {INSTALL_HINT}")
    return found


def jars(of: JarSet = KAFKA) -> Path:
    """Return the folder of the jars; fetch them if they are missing. Raises `KafkaUnavailable`."""
    target = of.cache_dir()
    if target.is_dir():
        return target
    mvn = shutil.which("mvn")
    if mvn is None:
        raise KafkaUnavailable(f"{of.name}'s jars are not in {target}, and Maven is not installed: {INSTALL_HINT}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as scratch:
        filled = Path(scratch) / "jars"  # renamed when it is complete
        _copy_dependencies(of, mvn, filled)
        _check_digests(of, filled)
        try:
            filled.rename(target)
        except OSError:  # another process may have been first; this copy is then discarded
            if not target.is_dir():
                raise
    return target


@cache
def java_version(java_path: str) -> str:
    """Return the output of `java -version`; each Java runs it once."""
    answer = subprocess.run([java_path, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 (our own look-up)
    return answer.stderr


def _copy_dependencies(of: JarSet, mvn: str, into: Path) -> None:
    command = [mvn, "-q", "-B", "-C", "-f", str(of.pom), "dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S, check=False)  # noqa: S603 (fixed arguments)
    except subprocess.TimeoutExpired:
        why = f"Maven did not fetch {of.name}'s jars within {FETCH_S:.0f} s; is the network up?"
        raise KafkaUnavailable(why) from None
    if done.returncode != 0 or not any(into.glob(of.needed)):
        raise KafkaUnavailable(f"Maven could not fetch {of.name}'s jars (is the network up?):\n{done.stdout[-2000:]}")


def _check_digests(of: JarSet, folder: Path) -> None:
    """Refuse jars that differ from the list. Maven's own checksums come from the same place as the jars."""
    lines = of.pom.with_suffix(".sha256").read_text().splitlines()
    known = {name: digest for digest, name in map(str.split, lines)}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.iterdir()}
    differing = sorted(name for name in known.keys() | found if known.get(name) != found.get(name))
    if differing:
        raise KafkaUnavailable(
            f"Maven fetched {of.name}'s jars, but these differ from {of.pom.with_suffix('.sha256')}: "
            f"{', '.join(differing)}. They are not used: remove them from Maven's local repository, then try again"
        )


def archive_file() -> Path:
    """Return the path of the archive. It changes with every update of Java or the jars."""
    folder = jars()
    files = sorted((jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in folder.glob("*.jar"))
    digest = hashlib.sha256(repr((java_version(java()), files)).encode()).hexdigest()
    return folder.with_name(f"{folder.name}-{digest[:16]}.jsa")


def jvm(*options: str) -> list[str]:
    """Return the command line of a JVM with Kafka's classes, to be followed by a class. Raises `KafkaUnavailable`."""
    file = archive_file()
    is_whole = file.exists() and file.stat().st_size > 0
    archive = [f"-XX:SharedArchiveFile={file}"] if is_whole else []
    return [java(), *archive, *options, "-cp", f"{jars()}/*"]


def make_archive_once(record: Callable[[Path], bool]) -> None:
    """Make the archive unless it exists. A failure is not retried: brokers run without the archive.

    ``record`` writes an archive to a path, and returns whether it is complete.
    """
    file = archive_file()
    if file.exists() or not os.access(file.parent, os.W_OK):
        return
    with file.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            _make_archive(file, record)


def _make_archive(file: Path, record: Callable[[Path], bool]) -> None:
    """Put a complete archive into place, or an empty file after a failure: a JVM crashes on a partial archive."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="archiving-") as scratch:
        written = Path(scratch) / "classes.jsa"
        if not record(written) or not written.exists():
            file.touch()
            return
        with written.open("rb") as whole:
            os.fsync(whole.fileno())
        written.rename(file)
