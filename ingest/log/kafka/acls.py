"""Rights in Kafka's ACLs, and the error that names missing ones."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Literal

from ingest.errors import BrokenLog
from schemas.log.kafka_security import KafkaSecurity

TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED = 29, 30, 31  # the first also for a missing topic


class Right(IntEnum):
    """The operations that this product needs, by Kafka's numbers."""

    Read = 3
    Write = 4
    Create = 5
    Describe = 8
    DescribeConfigs = 10


WRITES = (Right.Describe, Right.DescribeConfigs, Right.Write)
READS = (Right.Describe, Right.DescribeConfigs, Right.Read)
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
