"""The parts of the clients' tables, and how attributes are read. Pure.

Clients mix types: a duration is a number in one record and text in another. A value that can't be read is absent.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from agents.exported import Attributes
from schemas.surrogates import replace_lone

Fields = dict[str, Any]
_INTEGER_MAX = 1 << 53
_DIGITS_MAX = 20
ERROR_CHARACTERS_MAX = 2_000

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Made(NamedTuple):
    """An event: its known type and its payload. Fields that are None are left out."""

    event_type: str
    fields: Fields


EventTable = Mapping[str, Callable[[Attributes], Made | None]]  # by name; None: the record is noise
MeasureTable = Mapping[str, Callable[[Attributes], str | None]]  # from a metric and its attributes to a measurement


class Telemetry(NamedTuple):
    """How one client exports.

    Its service names begin with ``service``, the names of its events and metrics with ``prefix``. The attribute
    ``session`` holds its session id. ``version`` and ``attended`` read what a record and its resource say about it.
    """

    client: str
    service: str
    prefix: str
    session: str
    events: EventTable
    measures: MeasureTable
    version: Callable[[Attributes, Attributes], str | None]
    attended: Callable[[Attributes], bool | None]


def made(event_type: str, **fields: Any) -> Made:
    """Return an event with these fields."""
    return Made(event_type, fields)


def text(attributes: Attributes, name: str) -> str | None:
    """Return a text that is not empty; numbers become text."""
    value = attributes.get(name)
    if value is None or isinstance(value, bool):
        return None
    return str(value) or None


def whole(attributes: Attributes, name: str) -> int | None:
    """Return a whole number from 0 to 2^53; a fraction is rounded."""
    value = number(attributes, name)
    return None if value is None or value > _INTEGER_MAX else round(value)


def number(attributes: Attributes, name: str) -> float | int | None:
    """Return a finite number that is at least 0."""
    value = attributes.get(name)
    if isinstance(value, str):
        value = _parse(value)
    if value is None or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        return None
    return value


def flag(attributes: Attributes, name: str) -> bool | None:
    """Return a boolean, which may be text."""
    value = attributes.get(name)
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def tool_input(attributes: Attributes, name: str) -> Any:
    """Return a tool's input: as an object if the text is one in JSON, as in the client's hooks, else the text."""
    given = text(attributes, name)
    if given is None:
        return None
    try:
        return _object.decode(replace_lone(given.encode()))
    except _ERRORS:
        return given


def error_text(attributes: Attributes, *names: str) -> str | None:
    """Return the first of these attributes that has text, cut to the length that distinguishes errors."""
    found = next((value for name in names if (value := text(attributes, name))), None)
    return found and found[:ERROR_CHARACTERS_MAX]


def less(total: int | None, *parts: int | None) -> int | None:
    """Return a total minus its parts, at least 0."""
    return None if total is None else max(0, total - sum(part or 0 for part in parts))


def changed_lines(attributes: Attributes) -> str | None:
    """Return the measurement of a metric of changed lines, whose attribute says which."""
    return {"added": "lines_added", "removed": "lines_removed"}.get(text(attributes, "type") or "")


def _parse(value: str) -> float | int | None:
    if len(value) > _DIGITS_MAX:
        return None
    if value.isascii() and value.isdigit():
        return int(value)
    try:
        return float(value)
    except ValueError:
        return None
