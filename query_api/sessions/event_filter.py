"""Which of a session's hook events are asked for."""

from datetime import datetime
from typing import NamedTuple

from litestar.params import FromQuery

from query_api.times import bound


class EventFilters(NamedTuple):
    """``None`` filters nothing; ``after`` is included, ``before`` is not."""

    event_type: str | None
    tool_name: str | None
    agent_id: str | None
    after: datetime | None
    before: datetime | None

    def text(self) -> list[str | None]:
        """What tells these filters from others, so that a cursor stays with the ones that it came from."""
        times = (None if at is None else at.isoformat() for at in (self.after, self.before))
        return [self.event_type, self.tool_name, self.agent_id, *times]


def provide_event_filters(
    event_type: FromQuery[str | None] = None,
    tool_name: FromQuery[str | None] = None,
    agent_id: FromQuery[str | None] = None,
    after: FromQuery[datetime | None] = None,
    before: FromQuery[datetime | None] = None,
) -> EventFilters:
    """The filters of a session's events; times are those of the events.

    Raises:
        ApiError: 422 for a time without an offset.
    """
    return EventFilters(event_type, tool_name, agent_id, bound("after", after), bound("before", before))
