"""Reads a request's body: limits before parsing, bounded inflation, only JSON unless a route takes more.

The decoded output is limited, and decoding takes time linear in the bytes that it reads and writes.
"""

import contextlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeVar

import cramjam
import msgspec
from litestar.types import HTTPScope, Receive, Scope

from edge.drain_body import DRAIN_BYTES_MAX
from edge.error_responses import too_large
from edge.errors import ApiError
from edge.headers import find_header
from edge.principal import principal_of
from ingest.arrivals import Arrival, Arrivals
from ingest.lane import ON_THE_LOOP, Lane, Place
from ingest.log.port import BYTES_IN_FLIGHT_MAX
from schemas.http.requests import BODY_BYTES_MAX

T = TypeVar("T")

INLINE_BYTES_MAX = 262_144  # 10 ms at most to inflate, decode or encode; more would delay other requests
_ENCODED_SLACK = 65_536  # incompressible data grows a little
_GZIP = 31  # zlib's window bits, for a gzip header
_SLICE = 4_096  # zlib copies the input after each member: cheap for a slice, expensive for a body of many members
JSON, PROTOBUF = "application/json", "application/x-protobuf"
_anything: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)


class Incoming(Protocol):
    """What the write side uses of a request: Litestar's `Request` has it, and so has that of `edge.door`."""

    @property
    def scope(self) -> HTTPScope: ...
    @property
    def receive(self) -> Receive: ...
    @property
    def path_params(self) -> Mapping[str, Any]: ...


class Body(NamedTuple):
    """A body without its content encoding (JSON text or ``media``), and the place for work on a body of this size."""

    text: bytes
    place: Place
    media: str = JSON

    async def decode(self, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode the text; raises the same as `decode_body`."""
        return await self.place.run(decode_body, self.text, decoder)


class Bodies:
    """Receives bodies within limits of size and time, and removes their content encoding."""

    def __init__(self, bytes_max: int = BYTES_IN_FLIGHT_MAX) -> None:
        """``bytes_max`` limits the bytes of all bodies that the process holds."""
        self.bytes_max = bytes_max
        self._arrivals = Arrivals(bytes_max)
        self.lane = Lane()

    @property
    def bytes_held(self) -> int:
        return self._arrivals.bytes

    def read(self, request: Incoming, *, optional: bool = False, media: Sequence[str] = (JSON,)) -> "Reading":
        """Return a context manager that yields a request's body; respond inside. A missing optional body is ``{}``.

        ``media`` lists the content types that the route accepts. Entering raises `ApiError`: 415 for another content
        type or encoding, 413 above 10 MiB, 400 for a corrupt encoding, 408 for a body that arrives too slowly, 503 if
        too many bytes are in progress. Leaving raises `LogUnavailable` if the response takes too long.
        """
        return Reading(self, request, optional, media)

    def arrival_of(self, request: Incoming) -> Arrival:
        return self._arrivals.arrival(principal_of(request.scope).org_id)

    async def decoded(self, arrival: Arrival, encoding: str, sent: bytes, media: str) -> Body:
        """Inflate on the event loop; if that exceeds the inline limit, stop and start again in the lane."""
        text = None
        if len(sent) <= INLINE_BYTES_MAX:
            with contextlib.suppress(TooLarge):
                text = _inflated(encoding, sent, INLINE_BYTES_MAX, media)
        if text is None:
            try:
                text = await self.lane.run(_inflated, encoding, sent, BODY_BYTES_MAX, media)
            except TooLarge as error:
                raise too_large() from error
        arrival.resize(len(text))
        return Body(text, self.lane if len(text) > INLINE_BYTES_MAX else ON_THE_LOOP, media)


class Reading:
    """Reads one body; see `Bodies.read`. A generator as the context manager takes 10 µs more."""

    def __init__(self, bodies: Bodies, request: Incoming, optional: bool, media: Sequence[str]) -> None:
        self._bodies, self._request, self._optional, self._media = bodies, request, optional, media

    async def __aenter__(self) -> Body:
        request, media = self._request, self._media
        is_absent = self._optional and find_header(request.scope, b"content-type", None) is None
        kind, encoding = (JSON, "identity") if is_absent else _form_of(request.scope, media)
        arrival = self._arrival = self._bodies.arrival_of(request)
        await arrival.__aenter__()
        try:
            sent = await _receive_all(request, arrival, encoding)
            if is_absent and sent:
                raise _wrong_type(media)
            return await self._bodies.decoded(arrival, encoding, b"{}" if is_absent else sent, kind)
        except BaseException as error:
            await arrival.__aexit__(type(error), error, error.__traceback__)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._arrival.__aexit__(kind, error, trace)


def decode_body(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a typed body. Raises `msgspec.ValidationError` for JSON of another type.

    Raises `msgspec.DecodeError` if it isn't JSON, even if a wrong value comes before the syntax error.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        _anything.decode(body)
        raise


def _form_of(scope: Scope, media: Sequence[str]) -> tuple[str, str]:
    """Return the content type and the content encoding of a body, if the route accepts them."""
    kind, _, parameters = find_header(scope, b"content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "') or "utf-8"
    if (kind := kind.strip()) not in media or charset not in {"utf-8", "utf8"}:
        raise _wrong_type(media)
    encoding = find_header(scope, b"content-encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        raise ApiError(415, "unsupported_encoding", "The content encoding must be gzip or zstd, or none.")
    return kind, encoding


def _wrong_type(media: Sequence[str]) -> ApiError:
    return ApiError(415, "unsupported_media_type", f"The content type must be {' or '.join(media)}.")


async def _receive_all(request: Incoming, arrival: Arrival, encoding: str) -> bytes:
    bytes_max = BODY_BYTES_MAX + (0 if encoding == "identity" else _ENCODED_SLACK)
    chunks: list[bytes] = []
    length = _length_of(request.scope)
    size, more = 0, True
    try:
        while more and size <= DRAIN_BYTES_MAX:  # a slow client needs more time than `edge.drain_body` allows
            message = await request.receive()
            if message["type"] != "http.request":
                raise ApiError(400, "incomplete_body", "The body ended before it was complete.")
            chunk = message["body"]
            size += len(chunk)
            more = message["more_body"] and size != length  # the server sends the end in a message of its own
            if size <= bytes_max and chunk:
                await arrival.grow(len(chunk))
                chunks.append(chunk)
        if size > bytes_max:
            raise too_large()
        await arrival.whole()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    finally:
        chunks.clear()  # else an error would hold them until its client has read the response


def _length_of(scope: Scope) -> int | None:
    """Return the length of a body, if the client named it: with a transfer encoding, a length doesn't count."""
    length = find_header(scope, b"content-length", "")
    return int(length) if length.isdecimal() and find_header(scope, b"transfer-encoding", None) is None else None


def _inflated(encoding: str, sent: bytes, bytes_max: int, media: str) -> bytes:
    """Return the text; check the UTF-8 of JSON, since msgspec does not check payloads that it skips."""
    try:
        text = ENCODINGS[encoding](sent, bytes_max)
    except Corrupt as error:
        raise ApiError(400, "corrupt_encoding", f"The body is not valid {encoding}.") from error
    if media == JSON:
        str(text, "utf-8")
    return text


class Corrupt(Exception):
    """The bytes do not have the encoding that the request names."""


class TooLarge(Exception):
    """The decoded body exceeds the limit."""


def _identity(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise TooLarge
    return body


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    """Inflate each member of a gzip file: a client may write one member per event."""
    view, inflated = memoryview(body), bytearray()
    place = _inflate_member(view, inflated, bytes_max)
    while place < len(view):
        place += _inflate_member(view[place:], inflated, bytes_max)
    return bytes(inflated)


def _inflate_member(view: memoryview, inflated: bytearray, bytes_max: int) -> int:
    """Append the content of the first member of ``view``; return the member's length."""
    member = zlib.decompressobj(_GZIP)
    place = 0
    while not member.eof:
        fed = view[place : place + _SLICE]
        if not fed:
            raise Corrupt("cut off")
        try:
            inflated += member.decompress(fed, bytes_max + 1 - len(inflated))
        except zlib.error as error:
            raise Corrupt(str(error)) from error
        if len(inflated) > bytes_max:
            raise TooLarge
        place += len(fed) - len(member.unused_data)
    return place


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    room = bytearray(bytes_max + 1)
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):  # `room` is too small
            raise TooLarge from error
        raise Corrupt(str(error)) from error
    if size > bytes_max:
        raise TooLarge
    return bytes(memoryview(room)[:size])


ENCODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {"identity": _identity, "gzip": _gunzip, "zstd": _unzstd}
