"""Translate msgspec's validation errors to a field path and a sentence for the client."""

import re
from collections.abc import Callable

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$?\.?(?P<path>.*?)`)?$", re.DOTALL)
_PLACE = re.compile(r" - at `\$[\w.\[\]]*`$")
_MESSAGE_MAX = 1_000  # a longer message contains the client's text
_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "datetime": "a time",
    "date": "a date",
    "uuid": "a UUID",
}
_PATTERNS = {
    r"^[A-Za-z0-9_.:-]+$": "must consist of letters, digits and _ . : -",
    r"^[A-Za-z0-9._/#-]{0,64}$": "must consist of at most 64 letters, digits and . _ / # -",
}
_UNITS = {"str": "characters", "array": "items", "object": "fields", "bytes": "bytes"}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}


def explain(message: str) -> tuple[str, str]:
    """Return path and sentence: ``("models[0].input_tokens", "must be at least 0")``. ``body`` is the whole body."""
    if len(message) > _MESSAGE_MAX:  # remove the overlong name or value; the path stays
        start, place = message[:40], _PLACE.search(message[-200:])
        message = ("unknown field `…`" if "unknown field" in start else start) + (place[0] if place else "")
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    for pattern, say in _RULES:
        if found := pattern.search(what):
            field = found.groupdict().get("field")
            return ".".join(filter(None, (path, field))) or "body", say if isinstance(say, str) else say(found)
    return path or "body", "is not valid"


def _length(found: re.Match[str]) -> str:
    if found[2] == ">=" and found[3] == "1":
        return "must not be empty"
    return f"must have {_BOUNDS[found[2]]} {found[3]} {_UNITS.get(found[1], 'characters')}"


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(name.strip(), name.strip()) for name in names.split("|"))


# msgspec's message: the sentence for the client, or how to build it. Two rules append a field to the path.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"unknown field `(?P<field>.+)`", re.DOTALL), "is not a known field"),
    (re.compile(r"missing required field `(?P<field>.+)`"), "is required"),
    (re.compile(r"^Expected `(\w+)` of length (<=|>=|<|>) (\d+)"), _length),
    (
        re.compile(r"^Expected `\w+` matching regex '(.*)'", re.DOTALL),
        lambda found: _PATTERNS.get(found[1], "must not contain control characters"),
    ),
    (re.compile(r"^Expected `datetime` with a timezone"), "must have an offset, such as Z or +02:00"),
    (
        re.compile(r"^Expected `\w+` (<=|>=|<|>) ([-\d.e+]+)"),
        lambda found: f"must be {_BOUNDS[found[1]]} {found[2].removesuffix('.0')}",
    ),
    (
        re.compile(r"^Expected `([^`]+)`, got `([^`]+)`"),
        lambda found: f"must be {_types(found[1])}, not {_types(found[2])}",
    ),
    (re.compile(r"^Invalid enum value"), "is not one of the allowed values"),
    (re.compile(r"^Invalid UUID"), "must be a UUID"),
    (re.compile(r"^Invalid RFC3339 encoded datetime"), "must be an RFC 3339 time, such as 2026-01-20T10:30:00Z"),
    (re.compile(r"^Invalid RFC3339 encoded date"), "must be a date, such as 2026-01-20"),
    (re.compile(r"out of range"), "is out of range"),
    (re.compile(r"[Mm]issing required"), "is required"),
)
