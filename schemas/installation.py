"""What an installation is made with, for ever: `provision` records it once, and every process compares at its start.

The record is in the log, as the first message of a topic beside it, and in the store, as the first row of
`installation` in the control database.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

INSTALLATION_VERSION = 1
PARTITIONS_MAX = 2_000  # an audit sends an offset of each in one value, which has bounds: see `store.key_lists`
PARTITIONS_ADVISED = 64
COPIES_MIN = 3  # of each record, unless an installation is made for development, with one


class UnreadableRecord(Exception):
    """What is there is no record that this code knows; the message goes on after the name of its place."""


class InstallationRecord(Struct, frozen=True, kw_only=True):
    """``secrets`` is their fingerprint; ``replication`` is what `provision` was asked for; ``made_at`` is UTC."""

    v: int = INSTALLATION_VERSION
    partitions: int
    replication: int
    secrets: str
    made_at: str


class OwnSecrets(NamedTuple):
    """The fingerprint of the secrets that this process has, and their folder, for the message."""

    fingerprint: str
    folder: str


def record_topic(topic: str) -> str:
    """The name of the topic that holds the record of ``topic``."""
    return f"{topic}.installation"


def encode_record(record: InstallationRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.encode(record)


def decode_record(raw: bytes) -> InstallationRecord:
    """Read a record; fields of later versions are ignored.

    Raises:
        UnreadableRecord: it is none, or a newer version of this code made it.
    """
    try:
        record = msgspec.json.decode(raw, type=InstallationRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableRecord(f"holds no installation record: {error}") from error
    if record.v != INSTALLATION_VERSION:
        raise UnreadableRecord(f"holds a record of version {record.v}: run the version of this code that made it")
    return record


def other_secrets(own: OwnSecrets, place: str) -> str:
    """The sentence for secrets whose fingerprint is not the one recorded in ``place``."""
    return (
        f"the secrets in {own.folder} are not those of this installation, whose fingerprint is in {place}: bring back "
        "the seed.key and id.keys that it was made with (a new line of id.keys goes before the old ones)"
    )


def other_partitions(told: int, recorded: int, place: str) -> str:
    """The sentence for a count that is not the one recorded in ``place``."""
    return (
        f"this process was told of {told} partitions, but the installation was made with {recorded} partitions ({place}"
        " says so), and the count is frozen: set PARTITIONS back, or leave it out"
    )
