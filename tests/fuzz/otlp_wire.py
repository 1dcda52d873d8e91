"""Protobuf messages that no encoder would write, built by hand, and messages with wrong bytes."""

import random
import struct
from collections.abc import Callable

_LENGTHS = (1 << 20, (1 << 31) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1)
_TEXTS = (b"\xff\xfe", b"\xed\xa0\xbd", b"\xc0\x80", b"\x00", b"a" * 5_000)


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def message_in(number: int, content: bytes) -> bytes:
    """Return a field that holds a message or a text."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def nested(items: bytes) -> bytes:
    """Return an export with these items, each a field, in one scope of one resource."""
    return message_in(1, message_in(2, items))


def odd_message(chance: random.Random) -> bytes:
    """Return an export that is odd in one place."""
    return chance.choice(_ODD)(chance)


def mutated_message(chance: random.Random, raw: bytes) -> bytes:
    """Return a message in which up to three places have other bytes."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(raw))
        end = min(len(raw), place + chance.choice((0, 1, 8, 100)))
        junk = chance.choice(
            (b"", b"\x00", b"\xff" * 10, varint(chance.choice(_LENGTHS)), chance.randbytes(8), raw[:50])
        )
        raw = raw[:place] + junk + raw[end:]
    return raw


def _deep(chance: random.Random) -> bytes:
    """Return a log record whose body is a list of lists, or a map of maps."""
    value = b""
    is_list = chance.random() < 0.5
    for _ in range(chance.choice((10, 49, 99, 101, 1_000))):
        value = message_in(5, message_in(1, value)) if is_list else message_in(6, message_in(1, message_in(2, value)))
    return nested(message_in(2, message_in(5, value)))


def _attribute(chance: random.Random) -> bytes:
    """Return a log record that repeats an attribute with values of any type."""
    double = b"\x21" + struct.pack("<d", chance.choice((float("nan"), float("inf"), -0.0, 1e308)))
    integer = b"\x18" + varint(chance.choice((0, (1 << 64) - 1, 1 << 63)))
    value = chance.choice((double, integer, message_in(1, chance.choice(_TEXTS)), b"\x10\x05", b"", double + integer))
    key = chance.choice((b"session.id", b"event.name", b"", *_TEXTS))
    pair = message_in(6, message_in(1, key) + message_in(2, value))
    return nested(message_in(2, pair * chance.choice((1, 2, 1_000))))


def _times(chance: random.Random) -> bytes:
    times = b"".join(
        b"%c" % tag + struct.pack("<Q", chance.choice((0, 1, 1 << 63, (1 << 64) - 1))) for tag in (0x09, 0x59)
    )
    return nested(message_in(2, times))


def _tag(chance: random.Random) -> bytes:
    """Return fields of unknown numbers and kinds: groups, reserved kinds, number 0, the largest one."""
    number, kind = chance.choice((0, 1, 2, 19_000, (1 << 29) - 1, 1 << 40)), chance.randrange(8)
    tag = varint(number << 3 | kind) + chance.choice((b"", b"\x00", b"\x01a", bytes(8)))
    return chance.choice((tag, nested(tag), nested(message_in(2, tag)), tag * 1_000))


def _length(chance: random.Random) -> bytes:
    """Return a message that announces more bytes than follow."""
    announced = b"\x0a" + varint(chance.choice(_LENGTHS)) + b"\x12"
    return chance.choice((announced, nested(announced), b"\x0a" + b"\x80" * chance.choice((1, 9, 10, 5_000))))


def _many(chance: random.Random) -> bytes:
    return chance.choice((b"\x0a\x00", b"\x0a\x02\x12\x00", nested(b"\x12\x00"))) * chance.choice((1, 100, 3_000))


_ODD: tuple[Callable[[random.Random], bytes], ...] = (
    *(_deep, _attribute, _times, _tag, _length, _many),
    lambda chance: chance.randbytes(chance.choice((1, 20, 500))),
)
