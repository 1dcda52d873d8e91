"""What sessions achieved and cost, in the form of the rows and of the responses."""

from msgspec import Struct

from query_api.analytics.filter import ratio
from schemas.http import fields
from schemas.money import usd_of


class SumsRow(Struct, frozen=True, kw_only=True):
    """Sums over the sessions of a row, and what responses make of them."""

    sessions: int
    ended: int
    duration_ms: int
    cost_nano: int
    lines_added: int
    lines_removed: int
    commits: int
    pull_requests: int
    active_ms: int

    @property
    def cost_usd(self) -> float:
        return usd_of(self.cost_nano)

    @property
    def active_seconds(self) -> float:
        return self.active_ms / 1000

    @property
    def avg_duration_seconds(self) -> float | None:
        return ratio(self.duration_ms / 1000, self.ended)


class MemberRow(Struct, frozen=True):
    """The sums of a member of one of several lists, such as `model` and `project`."""

    list: str
    member: str | None
    sessions: int
    tokens: int
    cost_nano: int

    @property
    def cost_usd(self) -> float:
        return usd_of(self.cost_nano)


class WorkSums(Struct, frozen=True, kw_only=True):
    """The work of the sessions of a row."""

    lines_added: fields.LinesAdded
    lines_removed: fields.LinesRemoved
    commits: fields.Commits
    pull_requests: fields.PullRequests
    active_seconds: fields.ActiveSeconds
