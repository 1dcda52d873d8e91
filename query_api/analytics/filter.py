"""What an analytics request is about: days, and a cut through the dimensions. Read the same way by every route."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, SkipValidation

from edge.errors import forbidden
from edge.principal import Principal
from query_api.days import Days, days_of
from query_api.question import Slice
from schemas.permissions import allows

P = TypeVar("P", bound=Slice)
Today = Callable[[], date]


class Selection(NamedTuple):
    """Days and cut, as the store is asked."""

    days: Days
    slice: Slice

    @property
    def is_cut(self) -> bool:
        """Whether any dimension is given, so that the plain totals of a bucket are no answer."""
        cut = self.slice
        return any(value is not None for value in (cut.project_id, cut.repo, cut.agent_name, cut.user_id))

    def params(self, kind: type[P], **more: Any) -> P:
        """The parameters of a question that cuts like this and needs ``more``."""
        return kind(**msgspec.structs.asdict(self.slice), **more)


def provide_selection(
    principal: NamedDependency[Principal],
    today: NamedDependency[SkipValidation[Today]],
    start_date: FromQuery[date | None] = None,
    end_date: FromQuery[date | None] = None,
    project_id: FromQuery[str | None] = None,
    repo: FromQuery[str | None] = None,
    agent_name: FromQuery[str | None] = None,
    user_id: FromQuery[str | None] = None,
) -> Selection:
    """The query parameters that all analytics take.

    Raises:
        ApiError: 422 for days that can't be asked for, 403 for the numbers of another user.
    """
    refuse_other_users(principal, user_id)
    days = days_of(start_date, end_date, today())
    return Selection(days, Slice(principal.org_id, days.since, days.until, project_id, repo, agent_name, user_id))


def refuse_other_users(principal: Principal, user_id: str | None) -> None:
    """403 for whoever asks for somebody else by name, and may not."""
    if user_id not in (None, principal.user_id) and not allows(principal.role, "analytics.by_user"):
        raise forbidden()
