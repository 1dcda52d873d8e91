"""The pages of a list: numbered, or found by keyset cursors.

A cursor says where the next page begins. It is signed, so a client can neither forge one nor use it for another list.
It is 24 bytes in URL-safe base64: the place (8 bytes), then an HMAC over the place and what the cursor is bound to.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import NamedTuple

from schemas.ids import derive

PER_PAGE_DEFAULT = 25
PER_PAGE_MAX = 100
PAGE_MAX = 1 << 53  # so that offsets fit into 64 bits; any page that far is past the end
_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")
_PLACE_BYTES, _MAC_BYTES = 8, 16


class Page(NamedTuple):
    """Page ``number`` (from 1) of a list that is split into pages of ``size`` items."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def meta(self, total: int) -> dict[str, int]:
        """Return what the reply says about this page of a list of ``total`` items; an empty list has no pages."""
        return {
            "current_page": self.number,
            "per_page": self.size,
            "total_pages": -(-total // self.size),
            "total_count": total,
        }


class UnknownCursor(Exception):
    """This cursor was not made for this question. The error says no more than that."""


def seal_cursor(seed_key: bytes, bound_to: Sequence[str | bytes | None], place: int) -> str:
    """Return the cursor of a place (below 2^64) in the list that ``bound_to`` names."""
    packed = place.to_bytes(_PLACE_BYTES, "big")
    return urlsafe_b64encode(packed + _mac(seed_key, bound_to, packed)).decode()


def open_cursor(seed_key: bytes, bound_to: Sequence[str | bytes | None], cursor: str) -> int:
    """Return the place for which `seal_cursor` made this cursor.

    Raises `UnknownCursor` if `seal_cursor` did not make it, or made it for another list.
    """
    if not _SHAPE.fullmatch(cursor):  # without padding or unused bits, each cursor has exactly one spelling
        raise UnknownCursor(cursor)
    sealed = urlsafe_b64decode(cursor)
    packed, mac = sealed[:_PLACE_BYTES], sealed[_PLACE_BYTES:]
    if not hmac.compare_digest(mac, _mac(seed_key, bound_to, packed)):
        raise UnknownCursor(cursor)
    return int.from_bytes(packed, "big")


def _mac(seed_key: bytes, bound_to: Sequence[str | bytes | None], packed: bytes) -> bytes:
    return derive(seed_key, "cursor", [*bound_to, packed])[:_MAC_BYTES]
