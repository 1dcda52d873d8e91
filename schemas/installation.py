"""The installation record: the properties of an installation that never change.

`provision` writes it once, and every process compares it at its start. It is stored twice: in the log, as the first
message of a separate topic, and in the store, as the first row of `installation` in the control database.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

INSTALLATION_VERSION = 1
PARTITIONS_MAX = 2_000  # an audit sends one offset per partition in a value of limited size, see `store.sql`
PARTITIONS_ADVISED = 64
COPIES_MIN = 3  # of each record; an installation for development has one


class UnreadableRecord(Exception):
    """This code cannot read the record. The message completes a sentence that begins with the record's place."""


class InstallationRecord(Struct, frozen=True, kw_only=True):
    """``secrets`` is their fingerprint; ``replication`` is the factor given to `provision`; ``made_at`` is UTC."""

    v: int = INSTALLATION_VERSION
    partitions: int
    replication: int
    secrets: str
    made_at: str


class OwnSecrets(NamedTuple):
    """The fingerprint of this process's secrets, and their folder for messages."""

    fingerprint: str
    folder: str


def record_topic(topic: str) -> str:
    """Return the name of the topic with the record of ``topic``."""
    return f"{topic}.installation"


def encode_record(record: InstallationRecord) -> bytes:
    """Encode the record as JSON."""
    return msgspec.json.encode(record)


def decode_record(raw: bytes) -> InstallationRecord:
    """Decode a record. Unknown fields are ignored.

    Raises `UnreadableRecord` if the bytes are not a record, or a newer version of this code wrote it.
    """
    try:
        record = msgspec.json.decode(raw, type=InstallationRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableRecord(f"contains no installation record: {error}") from error
    if record.v != INSTALLATION_VERSION:
        raise UnreadableRecord(f"contains a record of version {record.v}: run the version of this code that wrote it")
    return record


def other_secrets(own: OwnSecrets, place: str) -> str:
    """Return the message for secrets whose fingerprint differs from the one in ``place``."""
    return (
        f"the secrets in {own.folder} are not those of this installation, whose fingerprint is in {place}: restore the "
        "original seed.key and id.keys (a new line of id.keys goes before the old ones)"
    )


def other_partitions(configured: int, recorded: int, place: str) -> str:
    """Return the message for a partition count that differs from the one in ``place``."""
    return (
        f"this process is configured for {configured} partitions, but the installation was made with {recorded} "
        f"partitions, as recorded in {place}. The count cannot change: set PARTITIONS back to {recorded}, or remove it"
    )
