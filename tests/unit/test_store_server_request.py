"""How the store server reads a request: parameters, forms, bodies, encodings, users."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
from backports import zstd

from devstack.store_server.body import RequestBody, TruncatedBody, as_file
from devstack.store_server.errors import EngineError, StoreError
from devstack.store_server.request import form_boundary, parse_form, parse_params, parse_request
from devstack.store_server.users import StoreUser, Users

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}
DATA = bytes(range(256)) * 20_000


def body_of(sent: bytes, coding: str = "identity", bytes_max: int = 10_000_000, chunk: int = 0) -> RequestBody:
    """Return a body as sent with a length, or in chunks of `chunk` bytes."""
    if not chunk:
        headers = {"Content-Length": str(len(sent)), "Content-Encoding": coding}
        return RequestBody(io.BufferedReader(io.BytesIO(sent)), headers, bytes_max)
    parts = [sent[at : at + chunk] for at in range(0, len(sent), chunk)]
    framed = b"".join(b"%X;x=y\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"
    headers = {"Transfer-Encoding": "chunked", "Content-Encoding": coding}
    return RequestBody(io.BufferedReader(io.BytesIO(framed)), headers, bytes_max)


@pytest.mark.parametrize("coding", COMPRESS)
@pytest.mark.parametrize("chunk", [0, 1000, 4_000_000])
def test_a_body_is_read_whole(coding: str, chunk: int) -> None:
    """With any encoding and framing, the engine's file holds the bytes that were sent."""
    body = body_of(COMPRESS[coding](DATA), coding, chunk=chunk)
    head = body.read_up_to(10)
    with as_file(head, body) as path:
        stored = Path(path).read_bytes()

    assert stored == DATA


@pytest.mark.parametrize("coding", COMPRESS)
def test_a_body_is_bounded_as_decoded(coding: str) -> None:
    """A body that decodes to more than the limit is refused while it is decoded."""
    with pytest.raises(StoreError) as refused:
        body_of(COMPRESS[coding](DATA), coding, bytes_max=len(DATA) - 1).read_up_to(len(DATA))

    assert refused.value.status == 413


@pytest.mark.parametrize("chunk", [0, 1000])
def test_a_body_that_ends_too_soon_is_no_body(chunk: int) -> None:
    """A body without its end is never taken for a complete one."""
    sent = b"x" * 5000
    whole = body_of(sent, chunk=chunk)
    cut = RequestBody(
        io.BufferedReader(io.BytesIO(b"%X\r\n" % 5000 + sent if chunk else sent)),
        {"Transfer-Encoding": "chunked"} if chunk else {"Content-Length": "5001"},
    )

    assert whole.read_up_to(9000) == sent
    with pytest.raises(TruncatedBody):
        cut.read_up_to(9000)


@pytest.mark.parametrize("coding", ["lz4", "zstd"])
@pytest.mark.parametrize("damage", [lambda sent: sent[:-3], lambda sent: b"\x00" + sent, lambda sent: sent + b"junk"])
def test_damaged_codings_are_refused(coding: str, damage: Callable[[bytes], bytes]) -> None:
    """Truncated, corrupt or trailing bytes are an error, not data."""
    with pytest.raises(StoreError) as refused:
        body_of(damage(COMPRESS[coding](DATA)), coding).read_up_to(len(DATA) + 1)

    assert refused.value.code == 271


def test_unknown_framings_and_codings_are_refused() -> None:
    """A body that cannot be read gets an error, and can still be skipped."""
    body = body_of(b"x" * 100, "nonsense")
    with pytest.raises(StoreError):
        body.read(1)
    for headers in ({"Content-Length": "-1"}, {"Content-Length": "x"}, {"Transfer-Encoding": "gzip"}):
        with pytest.raises(StoreError):
            RequestBody(io.BufferedReader(io.BytesIO(b"")), headers)

    assert body.skip(1000)


def test_parameters_are_sorted_by_what_they_are_for() -> None:
    """Bound values, settings and transport parameters are separate."""
    params = parse_params("query=SELECT%201&param_a=x%5Cn&max_threads=2&password=p&session_id=s&extremes=1&database=d")

    request = parse_request(params, {})

    assert request.values == {"a": "x\\n"}
    assert request.settings == (("extremes", "1"), ("max_threads", "2"))
    assert (request.query, request.database) == (b"SELECT 1", "d")


def test_bytes_that_are_no_utf8_survive() -> None:
    """They pass unchanged in the query, and escaped as in ClickHouse in a bound value; settings cannot hold them."""
    request = parse_request(parse_params("query=%FF&param_a=%FEx"), {})

    assert (request.query, request.values) == (b"\xff", {"a": "\\xFEx"})
    for hostile in ("a=%FF", "a%20b=1", "a'=1", "%C3%A9=1"):
        with pytest.raises(StoreError):
            parse_request(parse_params(hostile), {})


def test_a_form_is_read_part_by_part() -> None:
    """Line ends inside a field belong to the field; a file is refused."""
    boundary = form_boundary({"Content-Type": 'multipart/form-data; boundary="b-1"'})
    assert boundary == b"b-1"
    field = b'--b-1\r\nContent-Disposition: form-data; name="%b"\r\nContent-Type: text/plain\r\n\r\n%b\r\n'
    body = field % (b"query", b"SELECT\r\n1\n") + field % (b"param_a", b"") + b"--b-1--\r\n"

    assert parse_form(body, boundary) == {"query": "SELECT\r\n1\n", "param_a": ""}
    with pytest.raises(StoreError):
        parse_form(field.replace(b'"\r', b'"; filename="f"\r', 1) % (b"t", b"1"), boundary)


def test_users_are_distinguished() -> None:
    """Only the right password of a known user is accepted; all other logins get the same response."""
    users = Users([StoreUser("w", "p:w", readonly=False), StoreUser("r", "", readonly=True)])
    basic = base64.b64encode(b"w:p:w").decode()

    assert users.authenticate({"Authorization": f"Basic {basic}"}, {}).name == "w"
    assert users.authenticate({}, {"user": "r"}).readonly
    texts = set()
    for params in ({"user": "w"}, {"user": "w", "password": "P:w"}, {"user": "x"}, {"user": "", "password": ""}):
        with pytest.raises(StoreError) as refused:
            users.authenticate({}, params)
        assert (refused.value.code, refused.value.status) == (516, 403)
        texts.add(refused.value.text)
    assert len(texts) == 1
    assert "p:w" not in repr(StoreUser("w", "p:w", readonly=False))


def test_engine_errors_keep_their_code() -> None:
    """The text starts at the code; an error without a code is an unknown exception."""
    known = EngineError(RuntimeError("Streaming query failed: Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)"))
    unknown = EngineError(RuntimeError("bad"))

    assert (known.code, known.status, known.text[:8]) == (60, 404, "Code: 60")
    assert (unknown.code, unknown.status) == (1002, 500)
