"""What each ClickHouse error code means for the caller, and why: one table for all processes.

::

    PASSES           temporary: the same statement may succeed in a moment; wait, or reply 503
    REFUSED          our user, rights or settings are wrong: only an operator can fix that, so say what to change
    TOO_LARGE        the result has more rows or bytes than a limit allows
    NOT_PROVISIONED  databases or tables do not exist: not created yet, or dropped
    BROKEN           every other code: what was sent does not match the tables

The names are those of `system.errors`; a test compares them with the engine.
"""

from enum import Enum
from typing import NamedTuple


class Verdict(Enum):
    """What to do about an error."""

    PASSES = "wait and send it again"
    REFUSED = "say what to change"
    TOO_LARGE = "ask for less"
    NOT_PROVISIONED = "provision first"
    BROKEN = "stop"


class StoreCode(NamedTuple):
    """One error code: its number, its name in ClickHouse, the verdict, and why."""

    code: int
    name: str
    verdict: Verdict
    why: str


_ROWS = {
    Verdict.PASSES: (
        (74, "CANNOT_READ_FROM_FILE_DESCRIPTOR", "a disk or mount of the server is failing for now"),
        (75, "CANNOT_WRITE_TO_FILE_DESCRIPTOR", "a failing disk, or a full one"),
        (76, "CANNOT_OPEN_FILE", "a failing disk, or too many open files"),
        (95, "CANNOT_READ_FROM_SOCKET", "the server lost another server"),
        (96, "CANNOT_WRITE_TO_SOCKET", "the server lost another server"),
        (159, "TIMEOUT_EXCEEDED", "how long a statement takes depends on what else runs"),
        (160, "TOO_SLOW", "an estimated time-out, see 159"),
        (173, "CANNOT_ALLOCATE_MEMORY", "other processes use the memory now"),
        (198, "DNS_ERROR", "the server can't resolve a replica or its object storage, for example while pods move"),
        (201, "QUOTA_EXCEEDED", "a quota applies to an interval, which ends"),
        (202, "TOO_MANY_SIMULTANEOUS_QUERIES", "overload"),
        (203, "NO_FREE_CONNECTION", "overload"),
        (204, "CANNOT_FSYNC", "a failing disk; nothing was acknowledged"),
        (209, "SOCKET_TIMEOUT", "the network between servers"),
        (210, "NETWORK_ERROR", "the network between servers"),
        (225, "NO_ZOOKEEPER", "Keeper is away, or is electing a leader"),
        (234, "NO_REPLICA_HAS_PART", "the replica that has it is away"),
        (236, "ABORTED", "the server is shutting down"),
        (241, "MEMORY_LIMIT_EXCEEDED", "other statements use the memory now"),
        (242, "TABLE_IS_READ_ONLY", "the replica lost its session with Keeper, or is starting"),
        (243, "NOT_ENOUGH_SPACE", "merges or an operator will free space"),
        (252, "TOO_MANY_PARTS", "merges are behind"),
        (254, "NO_ACTIVE_REPLICAS", "all replicas are restarting"),
        (265, "NO_AVAILABLE_REPLICA", "all replicas are restarting"),
        (279, "ALL_CONNECTION_TRIES_FAILED", "a shard or replica is away"),
        (285, "TOO_FEW_LIVE_REPLICAS", "no quorum for an insert until a replica is back"),
        (286, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", "the previous insert still waits for its quorum"),
        (289, "REPLICA_IS_NOT_IN_QUORUM", "the replica is behind the last quorum insert"),
        (294, "CANNOT_WRITE_TO_FILE", "a failing disk, or a full one"),
        (297, "SHARD_HAS_NO_CONNECTIONS", "a shard is away"),
        (319, "UNKNOWN_STATUS_OF_INSERT", "Keeper was lost during an insert; sending it again inserts the same rows"),
        (364, "RECEIVED_ERROR_TOO_MANY_REQUESTS", "overload of what the server reads from"),
        (369, "ALL_REPLICAS_ARE_STALE", "replicas are behind and are catching up"),
        (373, "SESSION_IS_LOCKED", "the previous statement was cancelled, but is still running"),
        (384, "PART_IS_TEMPORARILY_LOCKED", "temporary, by its name"),
        (394, "QUERY_WAS_CANCELLED", "an operator, or a shutdown"),
        (416, "REPLICA_STATUS_CHANGED", "the replica lost its session during an insert"),
        (425, "SYSTEM_ERROR", "a system call of the server failed: no threads, no file handles"),
        (439, "CANNOT_SCHEDULE_TASK", "no free thread"),
        (473, "DEADLOCK_AVOIDED", "a table lock: a concurrent schema change or drop"),
        (499, "S3_ERROR", "object storage is away or throttles"),
        (500, "AZURE_BLOB_STORAGE_ERROR", "object storage, see 499"),
        (519, "NO_REMOTE_SHARD_AVAILABLE", "a shard is away"),
        (529, "NOT_A_LEADER", "replicas are electing a leader"),
        (568, "RAFT_ERROR", "Keeper is electing a leader"),
        (571, "DATABASE_REPLICATION_FAILED", "a Replicated database is recovering, or Keeper is away"),
        (692, "TOO_MANY_MUTATIONS", "concurrent repairs wait for merges"),
        (696, "ASYNC_LOAD_CANCELED", "the server is shutting down while it loads tables"),
        (700, "USER_SESSION_LIMIT_EXCEEDED", "overload of one user"),
        (722, "ASYNC_LOAD_WAIT_FAILED", "the server is starting: the table is not loaded yet"),
        (733, "TABLE_IS_BEING_RESTARTED", "SYSTEM RESTART REPLICA"),
        (735, "QUERY_WAS_CANCELLED_BY_CLIENT", "the connection broke during a statement"),
        (737, "GOOGLE_CLOUD_ERROR", "object storage, see 499"),
        (738, "PART_IS_LOCKED", "a concurrent mutation"),
        (745, "SERVER_OVERLOADED", "overload"),
        (749, "TCP_CONNECTION_LIMIT_REACHED", "overload"),
        (762, "HTTP_CONNECTION_LIMIT_REACHED", "overload"),
        (776, "RESOURCE_LIMIT_EXCEEDED", "overload"),
        (777, "MEMORY_RESERVATION_KILLED", "memory, see 241"),
        (778, "MEMORY_RESERVATION_FAILED", "memory, see 241"),
        (900, "DISTRIBUTED_CACHE_ERROR", "the cache in front of object storage is away"),
        (904, "TOO_MANY_UNAVAILABLE_SHARDS", "shards are away"),
        (905, "DISTRIBUTED_CACHE_SERVER_IN_BACKOFF", "overload"),
        (999, "KEEPER_EXCEPTION", "Keeper is away, or a session with it ended"),
        (1018, "EXCHANGE_PEER_DISCONNECTED", "the server lost another server"),
        (1019, "QUERY_SLOT_ACQUISITION_TIMEOUT", "overload"),
        (1020, "MEMORY_RESERVATION_ACQUISITION_TIMEOUT", "memory, see 241"),
    ),
    # None of these ends by itself, so waiting would hide it. The same applies to 516 while users are being changed: the
    # process stops, logs why, and is restarted with the new password.
    Verdict.REFUSED: (
        (115, "UNKNOWN_SETTING", "a server that is too old, or a proxy in between"),
        (164, "READONLY", "the user's profile is read-only"),
        (180, "THERE_IS_NO_PROFILE", "the user's profile was removed"),
        (192, "UNKNOWN_USER", "from older servers, see 516"),
        (193, "WRONG_PASSWORD", "from older servers, see 516"),
        (194, "REQUIRED_PASSWORD", "from older servers, see 516"),
        (195, "IP_ADDRESS_NOT_ALLOWED", "the user may not connect from this address"),
        (291, "DATABASE_ACCESS_DENIED", "from older servers, see 497"),
        (344, "SUPPORT_IS_DISABLED", "a setting switches off what the tables need, such as the text index"),
        (452, "SETTING_CONSTRAINT_VIOLATION", "the user's profile forbids this value of a setting"),
        (472, "READONLY_SETTING", "the server's configuration fixes a setting"),
        (497, "ACCESS_DENIED", "a right is missing"),
        (511, "UNKNOWN_ROLE", "the user's role was removed"),
        (512, "SET_NON_GRANTED_ROLE", "the user's role was revoked"),
        (516, "AUTHENTICATION_FAILED", "unknown user or wrong password; the server does not say which"),
        (720, "USER_EXPIRED", "the user's VALID UNTIL has passed"),
        (767, "REQUIRED_SECOND_FACTOR", "the user is for interactive logins"),
        (774, "TABLE_IS_PERMANENTLY_READ_ONLY", "the table's disk is configured as read-only, unlike 242"),
    ),
    Verdict.TOO_LARGE: (
        (158, "TOO_MANY_ROWS", "more rows read or found than a limit allows"),
        (307, "TOO_MANY_BYTES", "more bytes than a limit allows"),
        (396, "TOO_MANY_ROWS_OR_BYTES", "a longer result than max_result_rows allows"),
    ),
    Verdict.NOT_PROVISIONED: (
        (60, "UNKNOWN_TABLE", "not provisioned yet, or dropped"),
        (81, "UNKNOWN_DATABASE", "not provisioned yet, or dropped"),
    ),
    # Every code that is not listed is BROKEN. These are listed because they look temporary.
    Verdict.BROKEN: (
        (36, "BAD_ARGUMENTS", "a value longer than the server accepts: the same statement fails every time"),
        (1000, "POCO_EXCEPTION", "a field or an address longer than the server accepts, like 36"),
    ),
}
CODES: dict[int, StoreCode] = {
    code: StoreCode(code, name, verdict, why) for verdict, rows in _ROWS.items() for code, name, why in rows
}


def verdict_of(code: int) -> Verdict:
    known = CODES.get(code)
    return known.verdict if known else Verdict.BROKEN
