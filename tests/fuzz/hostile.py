"""Hostile JSON: a valid body in which one or more values are invalid or extreme."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Json = Any
Container = dict[str, Any] | list[Any]


class Verbatim(bytes):
    """JSON text, valid or not, that is sent unchanged."""


NUMBERS = """
    0 -0 -1 1 1.5 -0.0 1e400 -1e400 1e-400 1E+2 0.1 9007199254740992 9007199254740993 9223372036854775808
    18446744073709551616 -9223372036854775809 1e308 NaN Infinity -Infinity 00 01 1. .5 +1 0x10 1_000 1e
""".split()
STRINGS = (
    *("", " ", "null", "true", "0", "-1", "1e9", "{}", "[]", "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\r\nX-A: b"),
    *("\x7f", "\x85", "\ufeff", "\ufffe", "\uffff", "\U0010ffff", "\u202egnp.exe", "\u2028\u2029", "é🙂"),
    *("👩‍👩‍👧‍👦" * 20, "ﬀ ẞ ß İ ı", "\ud800", "\udfff", "\udc00\ud800", "e\u0301" * 40, "%00", "%s%n"),
    *("{org_id:String}", "' OR 1=1 --", "\\", '"', "<script>", "${jndi:ldap://x}", "{{7*7}}", "file:///etc/passwd"),
    *("../../etc/passwd", "A" * 64, "A" * 65, "A" * 512, "A" * 513, "界" * 512, "x" * 2_049),
)
TIMES = tuple(
    """
    2026-01-20T10:30:00Z 2026-01-20t10:30:00z 2026-01-20T10:30:00+14:00 2026-01-20T10:30:00.123456789012345Z
    2026-01-20T10:30:60Z 2026-01-20T24:00:00Z 2026-02-30T00:00:00Z 2026-01-20T10:30:00 2026-01-20 10:30Z now
    2026-01-20T10:30:00+24:00 2026-01-20T10:30:00-00:00 2026-01-20T10:30:00+00:60 2026-W04-2T10:30:00Z 1768905000000
    0000-01-01T00:00:00Z 0001-01-01T00:00:00+23:59 9999-12-31T23:59:59-23:59 10000-01-01T00:00:00Z 1768905000
    1999-12-31T23:59:59.999Z 2000-01-01T00:00:00Z 2105-12-31T00:00:00Z
    """.split()
)
IDS = (
    "",
    *"""
    x 0 00000000-0000-0000-0000-000000000000 ffffffff-ffff-ffff-ffff-ffffffffffff 9b2f000000004000800000000000000a
    urn:uuid:9b2f0000-0000-4000-8000-000000000000 9B2F0000-0000-4000-8000-000000000000
    {9b2f0000-0000-4000-8000-000000000000} 9b2f0000-0000-1000-8000-000000000000 9b2f0000-0000-4000-0000-000000000000
    ９b2f0000-0000-4000-8000-000000000000
    """.split(),
)
SECRETS = (
    *("password=hunter2hunter2", "?token=a&", "AKIA" + "IOSFODNN7EXAMPLF", "Bearer " + "a" * 60, "ghp_" + "A1b2" * 9),
    *("-----BEGIN RSA PRIVATE KEY-----", "--password --password", "Authorization: Basic Og==", "sk-ant-" + "x" * 90),
    *("postgres://u:p@ss@h/db", '{"secret": "' + "k" * 40, "eyJhbGciOiJIUzI1NiJ9." + "e" * 40 + "." + "s" * 43),
    "password" * 50,
)
_CODES = (0, 0x1F, 0x7F, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFEFF, 0xFFFF, 0x41)
_BROKEN = (
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\n", b"\t", b"\\x41", b"\\u12"),
)


def hostile(chance: random.Random) -> Json:
    """Return a value that few fields accept, or one at the bounds of a field."""
    return chance.choice(_KINDS)(chance)


def _nested(chance: random.Random) -> Verbatim:
    depth = chance.choice((2, 20, 128, 500, 1_000, 1_100, 20_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return Verbatim(opening * depth + b"0" + closing * (depth if chance.random() < 0.8 else depth - 1))


def _escaped(chance: random.Random) -> Verbatim:
    codes = chance.choices(_CODES, k=chance.randint(1, 6))
    return Verbatim(b'"' + b"".join(b"\\u%04x" % code for code in codes) + b'"')


def _digits(chance: random.Random) -> Verbatim:
    return Verbatim(b"-" * chance.randint(0, 1) + b"9" * chance.choice((20, 309, 400, 4_301, 20_000)))


def _broken_text(chance: random.Random) -> Verbatim:
    return Verbatim(b'"' + chance.choice(_BROKEN) + b'"')


def _many(chance: random.Random) -> Json:
    count = chance.choice((1, 10, 1_000, 1_001))
    item: Json = chance.choice((0, "", None, {}, []))
    return [item] * count if chance.random() < 0.5 else {f"k{n}": item for n in range(count)}


_KINDS: tuple[Callable[[random.Random], Json], ...] = (
    lambda chance: Verbatim(chance.choice(NUMBERS).encode()),
    lambda chance: Verbatim(chance.choice(NUMBERS).encode()),
    lambda chance: chance.choice(STRINGS),
    lambda chance: chance.choice(STRINGS),
    lambda chance: chance.choice(TIMES),
    lambda chance: chance.choice(IDS),
    lambda chance: chance.choice(SECRETS) * chance.choice((1, 1, 1, 30)),
    lambda chance: chance.choice((None, True, False, {}, [], [[]], {"": ""})),
    _nested,
    _escaped,
    _digits,
    _broken_text,
    _many,
)


def mutated(chance: random.Random, body: Json) -> bytes:
    """Return the body with up to three changes, sometimes also with changed bytes."""
    root = [json.loads(json.dumps(body))]
    for _ in range(chance.choice((0, 0, 0, 1, 1, 1, 2, 3))):
        if places := list(_places(root)):
            container, key = chance.choice(places)
            chance.choice(_CHANGES)(chance, container, key)
    text = written(root[0]) if root else b""
    return _with_other_bytes(chance, text) if chance.random() < 0.12 else text


def _places(container: Container) -> Iterator[tuple[Any, Any]]:
    """Yield the place of every value: its container and its key."""
    pairs = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in list(pairs):
        yield container, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _replace(chance: random.Random, container: Any, key: Any) -> None:
    container[key] = hostile(chance)


def _remove(_chance: random.Random, container: Any, key: Any) -> None:
    del container[key]


def _add(chance: random.Random, container: Any, key: Any) -> None:
    if isinstance(container[key], dict):
        container[key][chance.choice((*STRINGS, "status", "org_id", "__proto__"))] = hostile(chance)
    elif isinstance(container[key], list):
        container[key].append(hostile(chance))
    else:
        container[key] = [container[key]]


def _double(chance: random.Random, container: Any, key: Any) -> None:
    """Repeat a key, sometimes with another value."""
    value = container[key]
    if isinstance(value, dict) and value:
        name = chance.choice(list(value))
        again = written(name) + b":" + written(value[name] if chance.random() < 0.5 else hostile(chance))
        container[key] = Verbatim(written(value)[:-1] + b"," + again + b"}")
    elif isinstance(value, list):
        container[key] = value * 2


_CHANGES = (_replace, _replace, _replace, _remove, _add, _double)


def written(value: Json) -> bytes:
    """Encode as JSON, with `Verbatim` text unchanged; a lone surrogate becomes three bytes of invalid UTF-8."""
    if isinstance(value, Verbatim):
        return bytes(value)
    if isinstance(value, dict):
        return b"{" + b",".join(written(key) + b":" + written(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(written(item) for item in value) + b"]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _with_other_bytes(chance: random.Random, text: bytes) -> bytes:
    place = chance.randint(0, len(text))
    junk = chance.choice((b"\x00", b"\xff", b"\xef\xbb\xbf", b",", b"}", b"]", b'"', b"\\", b"{}", b" " * 50, b"//x\n"))
    return chance.choice(
        (
            text[:place],
            text[:place] + junk + text[place:],
            b"\xef\xbb\xbf" + text,
            text + junk,
            text[:place] + text[place + 1 :],
            text.decode("utf-8", "replace").encode("utf-16"),
            b"",
        )
    )
