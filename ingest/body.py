"""Reading a request's body: limits before parsing, bounded inflation, JSON and nothing else."""

from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.types import Receive

from edge.error_replies import too_large
from edge.errors import ApiError
from ingest.inflation import ENCODINGS, Corrupt, TooLarge
from schemas.requests import BODY_BYTES_MAX

T = TypeVar("T")

_ENCODED_SLACK = 65_536  # what does not compress gets a little longer
_DRAIN_BYTES_MAX = 3 * BODY_BYTES_MAX  # a client that is still sending would not read our reply
_anything: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The bytes of a JSON body, decoded from its content encoding; they are valid UTF-8.

    Raises:
        ApiError: 415 for another content type or encoding, 413 beyond 10 MiB, 400 for what can't be decoded.
    """
    _check_content_type(request.headers.get("content-type", ""))
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        raise ApiError(415, "unsupported_encoding", "The content encoding must be gzip or zstd, or none.")
    slack = 0 if encoding == "identity" else _ENCODED_SLACK
    body = _inflate(encoding, await _receive_all(request.receive, BODY_BYTES_MAX + slack))
    str(body, "utf-8")  # msgspec leaves the payloads it skips unchecked
    return body


async def read_optional_body(request: Request[Any, Any, Any]) -> bytes:
    """The same for a route whose body may be left out: nothing at all, of no content type, means ``{}``.

    Raises:
        ApiError: as `read_body`.
    """
    if "content-type" not in request.headers and not await _receive_all(request.receive, BODY_BYTES_MAX):
        return b"{}"
    return await read_body(request)


def decode_body(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Read a typed body.

    Raises:
        msgspec.ValidationError: well-formed, but not what the type wants.
        msgspec.DecodeError: no JSON, even where a wrong value stands before the place where it breaks.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        _anything.decode(body)
        raise


def _check_content_type(value: str) -> None:
    kind, _, parameters = value.lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "') or "utf-8"
    if kind.strip() != "application/json" or charset not in {"utf-8", "utf8"}:
        raise ApiError(415, "unsupported_media_type", "The content type must be application/json.")


async def _receive_all(receive: Receive, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= _DRAIN_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            raise ApiError(400, "incomplete_body", "The body ended before it was complete.")
        more, chunk = message["more_body"], message["body"]
        size += len(chunk)
        if size <= bytes_max:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > bytes_max:
        raise too_large()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflate(encoding: str, body: bytes) -> bytes:
    try:
        return ENCODINGS[encoding](body, BODY_BYTES_MAX)
    except TooLarge as error:
        raise too_large() from error
    except Corrupt as error:
        raise ApiError(400, "corrupt_encoding", f"The body is not valid {encoding}.") from error
