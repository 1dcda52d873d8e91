"""Malformed HTTP: contradicting framing, odd chunks, pipelines, slow and vanishing clients.

A case is a function of chance and setup. The server need not respond; if it does, the response must be one that the
API documents.
"""

import random
from collections.abc import Callable

from tests.fuzz.attack_setup import ATTACKERS, AttackSetup
from tests.fuzz.case import JSON, Case, request

EVENT = b'{"events":[{"event_type":"Stop","timestamp":"2026-01-20T10:30:00Z","data":{}}]}'
CLOSE = {"Connection": "close"}


def wire(chance: random.Random, setup: AttackSetup) -> Case:
    """Make one or more requests that HTTP forbids or barely allows."""
    make = chance.choice(_WIRE)
    raw = make(chance, setup)
    cuts = chance.sample(range(1, len(raw)), k=min(3, len(raw) - 1)) if chance.random() < 0.3 and raw else []
    case = Case(f"wire: {make.__name__.strip('_')}", raw, tuple(sorted(cuts)), 0.02, is_whole=False)
    return case._replace(ending=chance.choice(("read", "read", "half_close", "reset")))


def slow(chance: random.Random, setup: AttackSetup) -> Case:
    """Make clients that send slowly, stop, or disconnect, for some seconds."""
    raw = _post(setup, EVENT)
    body = raw.index(b"\r\n\r\n") + 4
    case = chance.choice(
        (
            Case("slow headers", raw, tuple(range(10, 200, 20)), 0.25, "reset"),
            Case("slow body", raw, tuple(range(body, len(raw), 8)), 0.25),
            Case("stops in the headers", raw[:40], (), 2.0, "hold"),
            Case("stops before the body", raw[:body], (), 2.0, "hold"),
            Case("goes in the body", raw[: body + 5], (), 0.0, "reset"),
            Case("says nothing", b"", (), 2.0, "hold"),
            Case("does not read", _get(setup, "sessions?per_page=100") * 50, (), 2.0, "hold"),
        )
    )
    return case._replace(name=f"slow: {case.name}", is_whole=False, copies=chance.choice((5, 20, 50)))


def _head(setup: AttackSetup, *lines: bytes, method: bytes = b"POST", version: bytes = b"HTTP/1.1") -> bytes:
    path = f"/api/v1/{ATTACKERS}/observability/sessions/{setup.sessions[0]}/events".encode()
    token = setup.token().encode()
    first = method + b" " + path + b" " + version
    named = (b"Host: x", b"Authorization: Bearer " + token, b"Content-Type: application/json", *lines)
    return b"\r\n".join((first, *named)) + b"\r\n\r\n"


def _post(setup: AttackSetup, body: bytes, **headers: str) -> bytes:
    path = f"/api/v1/{ATTACKERS}/observability/sessions/{setup.sessions[0]}/events"
    return request("POST", path, {"Authorization": f"Bearer {setup.token()}", **JSON, **headers}, body)


def _get(setup: AttackSetup, path: str, **headers: str) -> bytes:
    return request("GET", f"/api/v1/{ATTACKERS}/{path}", {"Authorization": f"Bearer {setup.token()}", **headers})


_CODINGS = (
    *(b"chunked", b"Chunked", b"identity, chunked", b"chunked, identity", b" chunked", b"\tchunked", b"xchunked"),
    b"chunked\x00",
)
_LENGTHS = (
    *(b"-1", b"+5", b"0x10", b"1e2", b"", b" ", b"5, 5", b"5,6", b"9" * 30, b"18446744073709551616"),
    b"%d\x00" % len(EVENT),
)
_SIZE = b"%x" % len(EVENT)
_CHUNK_SIZES = (
    *(_SIZE, _SIZE + b";ext=1", _SIZE + b";" + b"e" * 5_000, b"0" * 50 + _SIZE, _SIZE.upper() + b" ", b"-1", b"zz"),
    *(b"ffffffffffffffff", b"10000000000000000", b""),
)
_CHUNK_ENDS = (
    *(b"0\r\n\r\n", b"0\r\nX-Trailer: a\r\n\r\n", b"0\r\n", b"", b"0\n\n", b"0\r\nContent-Length: 5\r\n\r\n"),
)


def _length_and_chunks(chance: random.Random, setup: AttackSetup) -> bytes:
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVENT), EVENT)
    length = chance.choice((0, 4, len(chunked), len(EVENT), 1 << 40))
    lines = [b"Transfer-Encoding: " + chance.choice(_CODINGS), b"Content-Length: %d" % length, b"Connection: close"]
    chance.shuffle(lines)
    return _head(setup, *lines) + chunked


def _lengths(chance: random.Random, setup: AttackSetup) -> bytes:
    line = b"Content-Length: " + chance.choice(_LENGTHS)
    return _head(setup, line, *([b"Content-Length: 3"] * chance.randint(0, 1)), b"Connection: close") + EVENT


def _chunks(chance: random.Random, setup: AttackSetup) -> bytes:
    first = chance.choice(_CHUNK_SIZES) + chance.choice((b"\r\n", b"\r\n", b"\n", b"\r"))
    head = _head(setup, b"Transfer-Encoding: chunked", b"Connection: close")
    return head + first + EVENT + b"\r\n" + chance.choice(_CHUNK_ENDS)


def _tiny_chunks(_chance: random.Random, setup: AttackSetup) -> bytes:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in EVENT * 20)
    return _head(setup, b"Transfer-Encoding: chunked", b"Connection: close") + chunks + b"0\r\n\r\n"


def _pipeline(chance: random.Random, setup: AttackSetup) -> bytes:
    some = [_post(setup, EVENT), _get(setup, "sessions?per_page=1"), request("GET", "/livez", {}), _post(setup, b"{")]
    return b"".join(chance.choices(some, k=chance.randint(2, 12))) + request("GET", "/livez", CLOSE)


def _smuggled(_chance: random.Random, setup: AttackSetup) -> bytes:
    inner = request("GET", f"/api/v1/{ATTACKERS}/sessions", {})
    return _post(setup, EVENT)[:-1] + EVENT[-1:] + inner + request("GET", "/livez", CLOSE)


_TARGETS = (
    *("http://evil.example/livez", "//livez", "*", "livez", "http://[::1/livez", "/livez#x", "/\xff", "/a b"),
    *("/" + "a" * 70_000, "http://u:p@h/livez", "/livez?" + "q" * 60_000),
)
_HEADER_LINES = (
    *(b"NoColon", b": value", b"A B: c", b"X-A:\x00b", b"X-A: b\r\n folded", b"X-\xff: b", b"X-A: " + b"v" * 70_000),
    *(b"X" * 9_000 + b": a", b"Host: y", b"Host:", b"Authorization: Bearer x", b"Content-Type: application/json"),
    *(b"Expect: 200-ok", b"Expect: 100-continue", b"Connection: Authorization", b"Connection: close, keep-alive"),
    *(b"TE: trailers", b"Trailer: Authorization", b"\r\nX: y", b"X-A: b\rX-B: c"),
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: ",
    b"\r\n".join(b"X-%d: a" % n for n in range(300)),
)


def _targets(chance: random.Random, setup: AttackSetup) -> bytes:
    method = chance.choice(("GET", "GET", "OPTIONS", "CONNECT", "POST"))
    return request(method, chance.choice(_TARGETS), {"Authorization": f"Bearer {setup.token()}", **CLOSE})


def _header_lines(chance: random.Random, setup: AttackSetup) -> bytes:
    ours = (b"Content-Length: %d" % len(EVENT), b"Connection: close")
    return _head(setup, chance.choice(_HEADER_LINES), *ours) + EVENT


def _first_lines(chance: random.Random, setup: AttackSetup) -> bytes:
    method = chance.choice((b"POST", b"P\x00ST", b" POST", b"post", b"", b"M" * 5_000))
    version = chance.choice((b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1.1", b"HTTP/9", b"", b"http/1.1"))
    return (
        _head(setup, b"Content-Length: %d" % len(EVENT), b"Connection: close", method=method, version=version) + EVENT
    )


_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_FRAMES = (
    *(b"", _SETTINGS),
    b"\xff\xff\xff\x01\x04\x00\x00\x00\x01",  # headers, 16 MB long
    b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"p" * 8,  # a ping before settings
    _SETTINGS
    + (b"\x00\x00\x00\x01\x05\x00\x00\x00\x01" + b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08") * 200,
)
_NO_HTTP = (
    *(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 200, b"\x00" * 500, b"SSH-2.0-x\r\n"),
    *(b"*1\r\n$4\r\nPING\r\n", b"GET /livez\r\n"),
)


def _http2(chance: random.Random, _scene: AttackSetup) -> bytes:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return preface[: chance.choice((24, 24, 24, 10))] + chance.choice((*_FRAMES, chance.randbytes(200)))


def _no_http(chance: random.Random, _scene: AttackSetup) -> bytes:
    return chance.choice((*_NO_HTTP, chance.randbytes(300)))


def _cut_short(chance: random.Random, setup: AttackSetup) -> bytes:
    raw = _post(setup, EVENT)
    return raw[: chance.randrange(len(raw))]


_WIRE: tuple[Callable[[random.Random, AttackSetup], bytes], ...] = (
    *(_length_and_chunks, _lengths, _chunks, _tiny_chunks, _pipeline, _smuggled, _targets, _header_lines, _first_lines),
    *(_http2, _no_http, _cut_short),
)
