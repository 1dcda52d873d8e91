"""Content types and content encodings that are wrong or unusual."""

import gzip
import random
import zlib
from collections.abc import Callable
from functools import lru_cache

import cramjam

from tests.fuzz.attack_setup import ATTACKERS, AttackSetup
from tests.fuzz.bodies import JSON
from tests.fuzz.case import Case, request

BODY = b'{"events":[{"event_type":"Stop","timestamp":"2026-01-20T10:30:00Z","data":{"x":"%s"}}]}'
TYPES = (
    *(
        "application/json; charset=utf-8",
        "application/json;charset=UTF-16",
        "text/plain",
        "application/xml",
        "APPLICATION/JSON",
    ),
    *(
        "application/json, text/html",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
        ";;;",
        "a" * 900,
    ),
    *(
        "application/json; charset=" + "u" * 500,
        'application/json; charset="utf-8',
        "application/json\t; x=y",
        "application/vnd.api+json",
    ),
)
LABELS = (
    *("gzip", "zstd", "identity", "deflate", "br", "GZIP", " gzip ", "x-gzip", "gzip, gzip", "gzip,identity", "", "*"),
    *("gzip;q=1", "zstd\t", "compress", "g" * 300),
)

Encoder = Callable[[bytes, random.Random], bytes]


def gzipped(body: bytes, level: int = 9) -> bytes:
    """Return one gzip member; the same bytes each time."""
    return gzip.compress(body, level, mtime=0)


def zstd(body: bytes) -> bytes:
    """Return one zstd frame."""
    return bytes(cramjam.zstd.compress(body))


def _members(body: bytes, chance: random.Random) -> bytes:
    """Cut the body into gzip members, with empty members between them."""
    size = chance.choice((1, 7, 100))
    pieces = [gzipped(body[n : n + size], 1) for n in range(0, len(body), size)]
    return (gzipped(b"") * chance.choice((0, 1, 20))).join(pieces)


def _frames(body: bytes, chance: random.Random) -> bytes:
    size = chance.choice((1, 7, 100))
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" * chance.choice((0, 1, 20))
    return skippable.join(zstd(body[n : n + size]) for n in range(0, len(body), size))


def _flipped(packed: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(packed))
    return packed[:place] + bytes([packed[place] ^ (1 << chance.randrange(8))]) + packed[place + 1 :]


def _raw_deflate(body: bytes, _chance: random.Random) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


ENCODERS: tuple[tuple[str, Encoder], ...] = (
    ("identity", lambda body, _: body),
    ("gzip", lambda body, _: gzipped(body)),
    ("zstd", lambda body, _: zstd(body)),
    ("deflate", lambda body, _: zlib.compress(body)),
    ("gzip, gzip", lambda body, _: gzipped(gzipped(body))),
    ("gzip", lambda body, _: gzipped(body) + b"rest"),
    ("gzip", lambda body, _: gzipped(body) + bytes(600)),
    ("zstd", lambda body, _: zstd(body) + b"rest"),
    ("gzip", lambda body, chance: gzipped(body)[: chance.randint(0, 60)]),
    ("zstd", lambda body, chance: zstd(body)[: chance.randint(0, 60)]),
    ("gzip", lambda body, chance: _flipped(gzipped(body), chance)),
    ("zstd", lambda body, chance: _flipped(zstd(body), chance)),
    ("gzip", lambda _body, chance: chance.randbytes(chance.choice((1, 18, 4_000)))),
    ("gzip", lambda _body, _: gzipped(b"") * 200),
    ("gzip", lambda _body, _: b"\x1f\x8b\x08\x1c" + b"\xff" * 3_000),  # a name and a comment without an end
    ("zstd", lambda _body, _: b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + b"\x01\x00\x00"),  # declares a size of 16 EiB
    ("gzip", _members),
    ("zstd", _frames),
    ("deflate", _raw_deflate),
)


def encodings(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a valid body, encoded in one way and sometimes labelled as another."""
    label, encoder = chance.choice(ENCODERS)
    if chance.random() < 0.3:
        label = chance.choice(LABELS)
    return _sent(chance, setup, "encodings", encoder(BODY % (b"y" * chance.choice((0, 10, 3_000))), chance), label)


def bombs(chance: random.Random, setup: AttackSetup) -> Case:
    """Make 12 MB of spaces that are compressed into a few kilobytes."""
    label, encoder = chance.choice(ENCODERS[1:3])
    return _sent(chance, setup, "bombs", _bomb(label, encoder), label)


@lru_cache(maxsize=2)
def _bomb(_label: str, encoder: Encoder) -> bytes:
    return encoder(b" " * (12 << 20), random.Random(0))


def _sent(chance: random.Random, setup: AttackSetup, name: str, body: bytes, label: str) -> Case:
    headers = {"Authorization": f"Bearer {setup.token()}", **JSON}
    if chance.random() < 0.15:
        headers["Content-Type"] = chance.choice(TYPES)
    if label != "identity" or chance.random() < 0.5:
        headers["Content-Encoding"] = label
    path = f"/api/v1/{ATTACKERS}/observability/sessions/{chance.choice(setup.sessions)}/events"
    return Case(name, request("POST", path, headers, body))
