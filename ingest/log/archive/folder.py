"""The folder of an export. Each file is replaced whole, and is on disk before the manifest names it."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ingest.log.archive.manifest import MANIFEST, Manifest, Source, decode_manifest, encode_manifest, new_manifest
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import SUFFIX
from ingest.log.atomic_write import scratch_of, write_durably

FOLDER_MODE = 0o700


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an export.

    Raises `Refused` if the folder has no export, and `Damaged` if the manifest is missing or not as it was written.
    """
    try:
        return decode_manifest((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        if any(folder.glob(f"*{SUFFIX}")):
            raise Damaged(MANIFEST, "it is missing: restore it from another copy of the export") from None
        raise Refused(f"{folder} holds no export of a log: `log export` makes one") from None
    except OSError as error:
        raise Refused(f"{folder / MANIFEST} can't be read: {error.strerror}") from error


@contextlib.contextmanager
def locked_export(folder: Path) -> Iterator[None]:
    """Make the folder if it is missing, and let no other process export into it."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Refused(f"{folder} can't be used: {error.strerror}; name another folder") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(f"another process exports into {folder}: wait until it is done") from error
    finally:
        os.close(handle)


def begin_or_continue(folder: Path, source: Source, now: str) -> Manifest:
    """Return the manifest of the locked folder, a new one if the folder is empty; close it to other accounts.

    Raises the same as `read_manifest`, and `Refused` if the folder holds the export of another log.
    """
    is_empty = not any(file for file in folder.iterdir() if file.name != scratch_of(Path(MANIFEST)).name)
    if not is_empty and not (folder / MANIFEST).exists() and not any(folder.glob(f"*{SUFFIX}")):
        raise Refused(f"{folder} holds other files: name an empty or a new folder, or the one of an earlier export")
    try:  # close a folder of ours to other accounts, and remove what an interrupted write left
        folder.chmod(FOLDER_MODE)
        for scratch in folder.glob(scratch_of(Path("*")).name):
            scratch.unlink()
    except OSError as error:
        raise Refused(f"{folder} can't be used: {error.strerror}; name another folder") from error
    if is_empty:
        save(folder / MANIFEST, encode_manifest(new_manifest(source, now)))
    manifest = read_manifest(folder)
    _check_source(folder, manifest.source, source)
    for name, _, segment in manifest.files():  # continuing an export that has lost a file would hide the loss
        file = folder / name
        if not file.exists() or file.stat().st_size != segment.bytes:
            raise Damaged(name, "it is missing or has another size: restore it from another copy of the export")
    return manifest


def save(file: Path, content: bytes) -> None:
    """Replace a file, so that it survives a power cut. Raises `Refused` if it can't be written."""
    try:
        write_durably(file, content)
    except OSError as error:
        scratch_of(file).unlink(missing_ok=True)
        hint = "free some space, then " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise Refused(
            f"{file} can't be written: {error.strerror}; {hint}run the command again: it continues where it stopped"
        ) from error


def remove(file: Path) -> None:
    """Remove a segment that the manifest no longer names. Raises `Refused` if that is not possible."""
    try:
        file.unlink()
    except OSError as error:
        raise Refused(f"{file} can't be removed: {error.strerror}; remove it, then run the command again") from error


def remove_unnamed(folder: Path, manifest: Manifest) -> None:
    """Remove the segments that an interrupted export wrote but did not name, or replaced but did not remove."""
    named = {name for name, *_ in manifest.files()}
    for file in folder.glob(f"*{SUFFIX}"):
        if file.name not in named:
            remove(file)


def _check_source(folder: Path, exported: Source, source: Source) -> None:
    if exported.secrets != source.secrets:
        raise Refused(
            f"{folder} is the export of another installation: its secrets have the fingerprint {exported.secrets}, "
            f"those of this one {source.secrets}. Name another folder"
        )
    if exported.topic != source.topic or exported.partitions != source.partitions:
        raise Refused(
            f"{folder} is the export of {_words(exported)}, but this log is {_words(source)}: name another folder"
        )


def _words(source: Source) -> str:
    return f"{source.topic} with {source.partitions} partition{'s' if source.partitions != 1 else ''}"
