"""Numbered pages: where one begins in the whole list, and what a reply says about it."""

from typing import NamedTuple

PER_PAGE_DEFAULT = 25
PER_PAGE_MAX = 100
PAGE_MAX = 1 << 53  # so that no offset leaves 64 bits; any page that far is past the end anyhow


class Page(NamedTuple):
    """Page ``number`` (from 1) of a list cut into pages of ``size`` items."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items stand before this page."""
        return (self.number - 1) * self.size

    def meta(self, total: int) -> dict[str, int]:
        """What the reply says about a page of a list of ``total`` items; an empty list has no pages."""
        return {
            "current_page": self.number,
            "per_page": self.size,
            "total_pages": -(-total // self.size),
            "total_count": total,
        }
