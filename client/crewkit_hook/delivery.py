"""Delivers a batch: as a whole, else in halves, until what the installation will never take stands alone."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from crewkit_hook.api import Answer, Api, Unreachable
from crewkit_hook.store import Item, body_of

NOT_THE_ITEMS = frozenset({401, 403, 404, 408})  # it is the token, the org or the address
Refused = list[tuple[Item, str]]  # with the reason


class ToBeMended(Unreachable):
    """The items may be right, but the token or the address is not. Another try helps once that is mended."""


def deliver(api: Api, batch: list[Item], done: Callable[[list[Item], Refused], None]) -> None:
    """Send items of one client; call ``done`` with those that the installation has seen, and which it refused of them.

    Raises:
        Unreachable: try again later; what ``done`` was not called with is not delivered.
    """
    answer = api.send(batch[0].client, body_of(batch))
    if answer.status == HTTPStatus.ACCEPTED:
        done(batch, _refused(batch, answer))
    elif answer.status in NOT_THE_ITEMS or answer.status < HTTPStatus.BAD_REQUEST:
        raise ToBeMended(answer.error)
    elif len(batch) > 1:
        half = len(batch) // 2
        deliver(api, batch[:half], done)
        deliver(api, batch[half:], done)
    else:
        done(batch, [(batch[0], answer.error)])


def _refused(batch: list[Item], answer: Answer) -> Refused:
    """Return the items that a reply names, by their index among hooks or reports."""
    hooks = [item for item in batch if item.kind == "hook"]
    reports = [item for item in batch if item.kind == "report"]
    return [
        ((reports if one["code"] == "invalid_report" else hooks)[one["index"]], one["message"])
        for one in answer.body["data"]["rejected"]
    ]
