"""JSON replies of 1 KB or more are compressed for clients that accept it."""

import gzip
import json
from typing import Any

import cramjam
import pytest
from litestar import Response, get
from litestar.types import Message

from edge.authentication import PUBLIC, TokenVerifier
from edge.compression import BYTES_MIN, INLINE_BYTES_MAX, compressing
from edge.service import build_service
from tests.support.clients.in_process import in_process

OPEN = {"zstd": lambda body: bytes(cramjam.zstd.decompress(body)), "gzip": gzip.decompress, "identity": bytes}
JSON = (b"content-type", b"application/json")
BODY = json.dumps(["a reply"] * 300).encode()


async def _sent(accepted: str | None, messages: list[Message]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Any = {"headers": [] if accepted is None else [(b"accept-encoding", accepted.encode())]}
    wrapped = compressing(scope, send)
    for message in messages:
        await wrapped(message)
    return sent


def _messages(body: bytes, *headers: tuple[bytes, bytes], more: bytes | None = None) -> list[Any]:
    length = (b"content-length", b"%d" % (len(body) + len(more or b"")))
    rest = [] if more is None else [{"type": "http.response.body", "body": more, "more_body": False}]
    return [
        {"type": "http.response.start", "status": 200, "headers": [length, *headers]},
        {"type": "http.response.body", "body": body, "more_body": more is not None},
        *rest,
    ]


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("identity, br", "identity"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, gzip;q=0.5", "gzip"),
        ("zstd;q=0, gzip;q=0", "identity"),
        ("br, " * 64 + "gzip", "identity"),
    ],
)
@pytest.mark.parametrize("size", [BYTES_MIN, INLINE_BYTES_MAX + 1])
async def test_a_large_body_is_sent_in_the_best_coding_that_its_client_accepts(
    accepted: str | None, coding: str, size: int
) -> None:
    """The length is that of the compressed body, and caches are told what it depends on."""
    body = (BODY * (size // len(BODY) + 1))[:size]
    start, content = await _sent(accepted, _messages(body, JSON, (b"etag", b'W/"1"')))
    headers = dict(start["headers"])

    assert headers.get(b"content-encoding", b"identity") == coding.encode()
    assert OPEN[coding](content["body"]) == body
    assert int(headers[b"content-length"]) == len(content["body"])
    assert (headers.get(b"vary") == b"Accept-Encoding") == (coding != "identity")
    assert headers[b"etag"] == b'W/"1"'


@pytest.mark.parametrize(
    "messages",
    [
        _messages(BODY[: BYTES_MIN - 1], JSON),
        _messages(BODY, (b"content-type", b"text/html")),
        _messages(BODY, JSON, (b"content-encoding", b"gzip")),
        _messages(BODY, JSON, more=BODY),
        [
            {"type": "http.response.start", "status": 304, "headers": [JSON]},
            {"type": "http.response.body", "body": b""},
        ],
    ],
    ids=["small", "not JSON", "encoded", "in parts", "empty"],
)
async def test_any_other_body_is_sent_as_it_is(messages: list[Any]) -> None:
    """Not one header or byte changes."""
    assert await _sent("zstd, gzip", [dict(message) for message in messages]) == messages


async def test_a_service_compresses_whatever_route_replies() -> None:
    """A HEAD has the headers of the GET."""

    @get("/list", opt=PUBLIC)
    async def show() -> Response[Any]:
        return Response(json.loads(BODY), headers={"ETag": 'W/"1"'})

    async with in_process(build_service([show], {}, TokenVerifier([]), _ready)) as client:
        plain, packed, head = [
            await client.request(method, "/list", headers={"Accept-Encoding": coding, "X-Request-Id": "1"})
            for method, coding in (("GET", "identity"), ("GET", "gzip"), ("HEAD", "gzip"))
        ]

    assert (plain.json(), packed.json()) == (json.loads(BODY), json.loads(BODY))
    assert int(packed.headers["content-length"]) < 200 < len(plain.content)
    assert (packed.headers["content-encoding"], packed.headers["etag"]) == ("gzip", plain.headers["etag"])
    assert (head.headers, head.content) == (packed.headers, b"")


async def _ready() -> dict[str, bool]:
    return {}
