"""Fits a text of several sections into a character limit: items of the lowest ranks stay, in any section."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from processors.derivations.digest.truncate import cut

_LEFT_OUT = "(… and {} more)"
_LEFT_OUT_MAX = len(_LEFT_OUT.format(999_999)) + 1
_WORTH_CUTTING = 80  # characters; a shorter part of an item is useless


class Item(NamedTuple):
    """A piece of a section with its place in it. Items are added by ``rank``, then ``keep``, then place."""

    section: int
    rank: int
    place: int
    text: str
    keep: int = 0


def fit(head: str, titles: Sequence[str], items: Sequence[Item], limit: int) -> str:
    """Return the head, then as many items as fit into ``limit`` characters, below their titles."""
    kept: dict[int, list[Item]] = {}
    left_out: Counter[int] = Counter()
    room = limit - len(head)
    for item in sorted(items, key=lambda item: (item.rank, item.keep, item.place, item.section)):
        opening = 0 if item.section in kept else len(_title(titles[item.section])) + _LEFT_OUT_MAX
        text = _as_fits(item.text, room - opening - 1)
        if not text:
            left_out[item.section] += 1
            continue
        kept.setdefault(item.section, []).append(item._replace(text=text))
        room -= opening + len(text) + 1
    sections = [_section(titles[section], kept[section], left_out[section]) for section in sorted(kept)]
    return cut(head + "".join(sections), limit)


def _as_fits(text: str, room: int) -> str:
    """Return all of a text, a useful part of it, or nothing."""
    if len(text) <= room:
        return text
    return cut(text, room) if room >= _WORTH_CUTTING else ""


def _title(title: str) -> str:
    return f"\n\n## {title}"


def _section(title: str, items: Sequence[Item], left_out: int) -> str:
    lines = [item.text for item in sorted(items, key=lambda item: item.place)]
    if left_out:
        lines.append(_LEFT_OUT.format(left_out))
    return "\n".join([_title(title), *lines])
