"""Bodies near every limit, and bodies full of secrets: small requests that may cost a server a lot."""

import random
from collections.abc import Callable
from functools import lru_cache

from schemas.http.requests import BODY_BYTES_MAX, EVENT_BYTES_MAX, EVENTS_PER_REQUEST_MAX
from tests.fuzz.attack_setup import ATTACKERS, AttackSetup
from tests.fuzz.case import JSON, Case, gzipped, request, zstd

HEAD = b'{"event_type":"PostToolUse","timestamp":"2026-01-20T10:30:00Z","data":'
DENSE = (
    *(b"password=", b"?token=a&", b"password=x;", b'\\"secret\\":\\"', b"--password ", b"Authorization: ", b"a://b:c@"),
    *(b"Bearer ", b"-----BEGIN RSA PRIVATE KEY-----", b"eyJ.", b"AKIA", b"ghp_", b"<password>x</", b"api_key: x1Y2 "),
    *(b"sk-ant-", b"_authToken=", b"\\u0070assword=", b"PASSWORD=a1b2c3d4 ", b"curl -u a:b ", b"Set-Cookie: a=b; "),
)


def batch(*payloads: bytes) -> bytes:
    """Return the body of a request with these payloads."""
    return b'{"events":[' + b",".join(HEAD + payload + b"}" for payload in payloads) + b"]}"


def repeated(unit: bytes, size: int) -> bytes:
    """Return a payload of about ``size`` bytes that holds only ``unit``."""
    return b'{"x":"' + unit * (size // len(unit)) + b'"}'


def dense(chance: random.Random, setup: AttackSetup) -> Case:
    """Send kilobytes of texts that look like secrets."""
    unit = chance.choice(DENSE) if chance.random() < 0.7 else chance.choice(DENSE) + chance.choice(DENSE)
    body = batch(repeated(unit, chance.choice((500, 2_000, 8_000))))
    packed = {"Content-Encoding": "gzip"} if chance.random() < 0.5 else {}
    return _events(setup, "dense", gzipped(body, 1) if packed else body, **packed)


def large(chance: random.Random, setup: AttackSetup) -> Case:
    """Send a body at a limit, or beyond it."""
    name = chance.choice(list(_LARGE))
    body = _built(name)
    if name.startswith("models"):
        return Case(name, sent(setup, "PATCH", f"/sessions/{chance.choice(setup.sessions)}", body))
    if chance.random() < 0.5:
        return _events(setup, name, _zstd_of(name), **{"Content-Encoding": "zstd"})
    return _events(setup, name, body)


def sent(setup: AttackSetup, method: str, path: str, body: bytes, **headers: str) -> bytes:
    """Build a write of the attackers' admin; ``path`` is relative to the org."""
    given = {"Authorization": f"Bearer {setup.token()}", **JSON, **headers}
    return request(method, f"/api/v1/{ATTACKERS}{path}", given, body)


def _events(setup: AttackSetup, name: str, body: bytes, **headers: str) -> Case:
    path = f"/observability/sessions/{setup.sessions[0]}/events"
    return Case(name, sent(setup, "POST", path, body, **headers))


@lru_cache(maxsize=64)
def _built(name: str) -> bytes:
    return _LARGE[name]()


@lru_cache(maxsize=64)
def _zstd_of(name: str) -> bytes:
    return zstd(_built(name))


def _keys(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(count)) + b"}"


def _event_of(size: int) -> bytes:
    return batch(b'{"x":"' + b"a" * (size - 8) + b'"}')


_LARGE: dict[str, Callable[[], bytes]] = {
    "5,000 events": lambda: batch(*(b'{"n":%d}' % n for n in range(EVENTS_PER_REQUEST_MAX))),
    "5,001 events": lambda: batch(*(b'{"n":%d}' % n for n in range(EVENTS_PER_REQUEST_MAX + 1))),
    "5,000 wrong events": lambda: b'{"events":[' + b",".join([b"0"] * EVENTS_PER_REQUEST_MAX) + b"]}",
    "a million wrong events": lambda: b'{"events":[' + b",".join([b"0"] * 1_000_000) + b"]}",
    "an event of 1 MiB": lambda: _event_of(EVENT_BYTES_MAX),
    "an event of 1 MiB and a byte": lambda: _event_of(EVENT_BYTES_MAX + 1),
    "nine events of 1 MiB": lambda: batch(*([b'{"x":"' + b"b" * (EVENT_BYTES_MAX - 8) + b'"}'] * 9)),
    "100,000 keys": lambda: batch(_keys(60_000), _keys(40_000)),
    "100,000 deep": lambda: batch(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "5,000 × 500 deep": lambda: batch(*([b'{"x":' + b"[" * 500 + b"]" * 500 + b"}"] * 5_000)),
    "10 MB of spaces": lambda: b" " * (10 << 20),
    "more than a body": lambda: b" " * (BODY_BYTES_MAX + 1),
    "a number of a million digits": lambda: batch(b'{"x":' + b"1" * 1_000_000 + b"}"),
    "escapes": lambda: batch(b'{"x":"' + b"\\u0000" * 150_000 + b'"}'),
    "surrogates": lambda: batch(b'{"x":"' + b"\\ud800" * 150_000 + b'"}'),
    "quotes in quotes": lambda: batch(b'{"x":"' + b'\\\\\\"' * 250_000 + b'"}'),
    "models: 1,000": lambda: b'{"model_metrics":{"models":[' + b",".join(_models(1_000)) + b"]}}",
    "models: 100,000": lambda: b'{"model_metrics":{"models":[' + b",".join(_models(100_000)) + b"]}}",
}


def _models(count: int) -> list[bytes]:
    return [b'{"model":"m%d","input_tokens":1}' % n for n in range(count)]
