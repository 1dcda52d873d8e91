"""Numbered pages: where a page begins in the list, and what a reply says about it."""

from typing import NamedTuple

PER_PAGE_DEFAULT = 25
PER_PAGE_MAX = 100
PAGE_MAX = 1 << 53  # so that offsets fit into 64 bits; any page that far is past the end


class Page(NamedTuple):
    """Page ``number`` (from 1) of a list that is split into pages of ``size`` items."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Return how many items precede this page."""
        return (self.number - 1) * self.size

    def meta(self, total: int) -> dict[str, int]:
        """Return what the reply says about this page of a list of ``total`` items; an empty list has no pages."""
        return {
            "current_page": self.number,
            "per_page": self.size,
            "total_pages": -(-total // self.size),
            "total_count": total,
        }
