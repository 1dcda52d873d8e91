"""Delivers a batch: as a whole or, if it is refused, in halves, down to the item that the installation won't accept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import NamedTuple

from crewkit_hook.api import Answer, Api, Unreachable
from crewkit_hook.foreign import printable
from crewkit_hook.store import Item, body_of
from crewkit_hook.transcripts.lines import object_of

BATCH_ITEMS_MAX, BATCH_BYTES_MAX = 1_000, 8 << 20  # not compressed
ABOUT_ITEMS = frozenset({400, 413, 422})
OUT_OF_RANGE = "timestamp_out_of_range"
ERASED = frozenset({"erased", "erased_report"})  # the session of a hook or report, or its org, was erased


class RefusedItem(NamedTuple):
    """An item that the installation won't accept as it is. ``code`` is empty if the whole batch was refused."""

    item: Item
    code: str
    reason: str


Refused = list[RefusedItem]


class Misconfigured(Unreachable):
    """The items may be valid, but the token or the address is not. Retrying helps once that is fixed."""


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in batches: those of one client that follow each other, as many as one request may have."""
    batch: list[Item] = []
    size = 0
    for item in items:
        size += len(item.text) + 1
        if batch and (item.client != batch[0].client or len(batch) >= BATCH_ITEMS_MAX or size > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], len(item.text) + 1
        batch.append(item)
    if batch:
        yield batch


def deliver(api: Api, batch: list[Item], done: Callable[[list[Item], Refused], None]) -> None:
    """Send items of one client; call ``done`` with the items that the installation saw, and those of them it refused.

    Raises `Unreachable`; items that ``done`` was not called with are not delivered.
    """
    answer = api.send(batch[0].client, body_of(batch))
    # Only the installation itself refuses items: errors of other servers have no such sentence.
    is_about_items = answer.status in ABOUT_ITEMS and answer.sentence
    if answer.status == HTTPStatus.ACCEPTED:
        done(batch, _refused(batch, answer))
    elif len(batch) > 1 and (is_about_items or answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        half = len(batch) // 2
        deliver(api, batch[:half], done)
        deliver(api, batch[half:], done)
    elif is_about_items:
        done(batch, [RefusedItem(batch[0], "", answer.error)])
    else:  # the token, the org or the address is wrong, or a proxy in between refuses
        raise Misconfigured(answer.error)


def _refused(batch: list[Item], answer: Answer) -> Refused:
    """Return the items that a reply names, by their index among hooks or reports.

    Raises `Unreachable` if the reply names an item that was not sent, or one twice: it can't be relied on.
    """
    left = {kind: dict(enumerate(item for item in batch if item.kind == kind)) for kind in ("hook", "report")}
    refused: Refused = []
    for said in map(object_of, answer.body["data"]["rejected"]):
        index, code, reason = said.get("index"), said.get("code"), said.get("error")
        items = left["report" if str(code).endswith("_report") else "hook"]
        if type(index) is not int or index not in items or not isinstance(code, str) or not isinstance(reason, str):
            raise Unreachable("the answer is not that of an installation: it rejects items that were not sent")
        refused.append(RefusedItem(items.pop(index), code, printable(reason)))
    return refused
