"""A topic that was just created: brokers learn about it at different times, and each request may go to another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.log.kafka import topic as topic_module
from ingest.log.kafka.topic import FoundTopic, KafkaTopic, look_at

TOPIC = KafkaTopic("127.0.0.1:1", "t", 1)
UNKNOWN, NOT_HERE = 3, [{"error_code": 3, "partitions": []}]
KNOWN = [{"error_code": 0, "partitions": [{"replicas": [1, 2, 3]}]}]


class Brokers:
    """Brokers that respond in turn: with the topic, its settings, or an error that they do not know it."""

    def __init__(self, *codes_of_settings: int) -> None:
        self._codes = list(codes_of_settings)

    async def describe_topics(self, _names: list[str]) -> Any:
        return KNOWN if self._codes else NOT_HERE

    async def describe_configs(self, _resources: list[Any]) -> Any:
        code = self._codes.pop(0)
        entries = [] if code else [("retention.ms", "-1")]
        return [SimpleNamespace(resources=[(code, "", 2, "t", entries)])]


def asked_of(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def admin_of(_topic: KafkaTopic) -> AsyncIterator[Brokers]:
        yield brokers

    monkeypatch.setattr(topic_module, "admin_of", admin_of)
    monkeypatch.setattr(topic_module, "LOOK_AGAIN_S", 0.01)


async def test_a_topic_that_one_broker_does_not_know_yet_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first broker knows it and the second does not, which is not an outage."""
    asked_of(Brokers(UNKNOWN, UNKNOWN, 0), monkeypatch)

    assert await look_at(TOPIC) == FoundTopic(1, 3, {"retention.ms": "-1"})


@pytest.mark.parametrize("brokers", [Brokers(), Brokers(*[UNKNOWN] * 9)])
async def test_it_is_missing_when_that_lasts(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time in which a new topic becomes known, it counts as missing."""
    asked_of(brokers, monkeypatch)

    assert await look_at(TOPIC, patience_s=0.04) is None
