"""The store's time is limited per org and hour."""

import pytest

from store.reading.errors import StoreTimeUsed
from store.reading.fairness import HOUR_S, SERVICE, StoreTime


class Clock:
    """A clock in seconds that the test advances."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_org_that_used_its_time_waits_for_the_next_hour() -> None:
    """Other orgs have their own, and the error says when the hour ends."""
    clock = Clock()
    limit = StoreTime(10, clock)
    limit.spend("busy", 4)
    clock.now += 600
    limit.check("busy")
    limit.spend("busy", 6)
    limit.spend("other", 9)

    with pytest.raises(StoreTimeUsed) as refused:
        limit.check("busy")
    assert refused.value.resets_in_s == HOUR_S - 600
    limit.check("other")

    clock.now += HOUR_S - 600
    limit.check("busy")
    limit.spend("busy", 9)
    limit.check("busy")


def test_the_service_itself_has_no_limit_nor_has_anyone_without_a_limit() -> None:
    """Freshness and audits must not stop because orgs send many queries."""
    limited, unlimited = StoreTime(10), StoreTime(0)
    limited.spend(SERVICE, 99)
    unlimited.spend("busy", 99)

    limited.check(SERVICE)
    unlimited.check("busy")
