"""Delivers a batch: as a whole, else in halves, until what the installation will never take stands alone."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from crewkit_hook.api import Answer, Api, Unreachable
from crewkit_hook.printable import printable
from crewkit_hook.store import Item, body_of

BATCH_ITEMS_MAX, BATCH_BYTES_MAX = 1_000, 8 << 20  # not compressed
ABOUT_ITEMS = frozenset({400, 413, 422})
OUT_OF_RANGE = "timestamp_out_of_range"


class RefusedItem(NamedTuple):
    """An item that the installation will not take as it is. ``code`` is empty if all of the batch was refused."""

    item: Item
    code: str
    reason: str


Refused = list[RefusedItem]


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
    elif len(batch) > 1 and (_is_about_items(answer) or answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        half = len(batch) // 2
        deliver(api, batch[:half], done)
        deliver(api, batch[half:], done)
    elif _is_about_items(answer):
        done(batch, [RefusedItem(batch[0], "", answer.error)])
    else:  # the token, the org, the address, or a proxy between that says no
        raise ToBeMended(answer.error)


def _is_about_items(answer: Answer) -> bool:
    """Return whether the installation itself refuses what was sent. Other servers have other bodies."""
    return answer.status in ABOUT_ITEMS and bool(answer.sentence)


def _refused(batch: list[Item], answer: Answer) -> Refused:
    """Return the items that a reply names, by their index among hooks or reports.

    Raises:
        Unreachable: it names what was not sent, or something twice, so it can't be relied on.
    """
    left = {kind: dict(enumerate(item for item in batch if item.kind == kind)) for kind in ("hook", "report")}
    return [_one_of(left, said) for said in answer.body["data"]["rejected"]]


def _one_of(left: dict[str, dict[int, Item]], said: Any) -> RefusedItem:
    """Take the item that a reply names out of those that are left."""
    said = said if isinstance(said, dict) else {}
    index, code, reason = said.get("index"), said.get("code"), said.get("message")
    items = left["report" if code == "invalid_report" else "hook"]
    if type(index) is not int or index not in items or not isinstance(code, str) or not isinstance(reason, str):
        raise Unreachable("the answer is not that of an installation: it rejects what was not sent")
    return RefusedItem(items.pop(index), code, printable(reason))
