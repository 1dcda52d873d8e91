"""Rights in Kafka's ACLs: the check at the start, and the error that names missing ones.

aiokafka's clients report missing rights in many ways.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, Literal, NamedTuple

from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from ingest.log.broken import BrokenLog
from schemas.log.kafka_security import KafkaSecurity

TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED = 29, 30, 31  # the first is also sent for a missing topic

_TEXT = String("utf-8")
_UNKNOWN_RIGHTS = -(1 << 31)  # from a broker that does not report rights


class Right(IntEnum):
    """The operations that this product needs, by Kafka's numbers."""

    Read = 3
    Write = 4
    Create = 5
    Delete = 6
    Describe = 8
    DescribeConfigs = 10


WRITES = (Right.Describe, Right.DescribeConfigs, Right.Write)
READS = (Right.Describe, Right.DescribeConfigs, Right.Read)
KEEPS = (*READS, Right.Delete)
JOINS = (Right.Describe, Right.Read)


def lacking(
    security: KafkaSecurity, missing: Iterable[Right], name: str, kind: Literal["topic", "group"] = "topic"
) -> BrokenLog:
    """Return the error that names the missing rights on a topic or a group, and the command that grants them."""
    names = [right.name for right in missing]
    options = " ".join(f"--operation {right}" for right in names)
    principal = f"User:{security.user or '…'}"
    return BrokenLog(
        f"{security.who} lacks the right{'s' if names[1:] else ''} {' and '.join(names)} on the {kind} {name}: "
        f"run `kafka-acls --add --allow-principal {principal} {options} --{kind} {name}`"
    )


class Node(NamedTuple):
    """The advertised address of a broker."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def check_rights(connection: Any, security: KafkaSecurity, topic: str, needed: Sequence[Right]) -> list[Node]:
    """Check over one connection the ``needed`` rights on a topic; return the brokers of the cluster.

    A missing topic has no rights; `check_topic` checks that it exists. Raises `BrokenLog`, which names the missing
    right and how to grant it, or the errors of an unreachable broker.
    """
    try:
        answer = await connection.send(_TopicRights(topic))
    except NotImplementedError:  # Kafka before 2.3 does not report rights
        return _nodes(await connection.send(MetadataRequest([])))
    if missing := _missing(needed, answer.topics[0], TOPIC_REFUSED):
        raise lacking(security, missing, topic)
    return _nodes(answer)


async def check_group(admin: Any, security: KafkaSecurity, group: str) -> None:
    """Check that this client may join a consumer group; raises the same as `check_rights`."""
    try:
        coordinator = await admin.find_coordinator(group)
        answer = await admin._send_request(_GroupRights(group), coordinator)  # noqa: SLF001 (aiokafka 0.14 can't read its own)
    except GroupAuthorizationFailedError as error:
        raise lacking(security, JOINS, group, "group") from error
    except NotImplementedError:
        return
    if missing := _missing(JOINS, answer.groups[0], GROUP_REFUSED):
        raise lacking(security, missing, group, "group")


def _nodes(answer: Any) -> list[Node]:
    return [Node(host, port) for _, host, port, _ in answer.brokers]


def _missing(needed: Sequence[Right], described: Sequence[Any], refused: int) -> list[Right]:
    """Return the missing rights. ``described`` begins with an error code, and ends with a bit for each granted one."""
    code, rights = described[0], described[-1]
    if code == refused:
        return list(needed)
    if code or rights == _UNKNOWN_RIGHTS:
        return []
    return [right for right in needed if not rights >> right & 1]


_PARTITIONS = Array(
    ("error_code", Int16),
    *((name, Int32) for name in ("partition", "leader", "leader_epoch")),
    *((name, Array(Int32)) for name in ("replicas", "isr", "offline_replicas")),
)


class _TopicRightsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY, API_VERSION = MetadataRequest.API_KEY, 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                ("partitions", _PARTITIONS),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicRightsRequest(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY, API_VERSION = MetadataRequest.API_KEY, 8
    RESPONSE_TYPE = _TopicRightsResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _TopicRights(Request[_TopicRightsRequest]):  # type: ignore[misc]  # as above
    """Metadata in the first version that reports rights; aiokafka ends at version 5."""

    API_KEY = MetadataRequest.API_KEY

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([self._topic], False, False, True)


class _GroupRightsRequest(DescribeGroupsRequest_v3):  # type: ignore[misc]  # as above
    RESPONSE_TYPE = DescribeGroupsResponse_v3


class _GroupRights(Request[_GroupRightsRequest]):  # type: ignore[misc]  # as above
    """DescribeGroups with its own response; aiokafka reads it as the response of the previous version."""

    API_KEY = DescribeGroupsRequest_v3.API_KEY

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([self._group], True)
