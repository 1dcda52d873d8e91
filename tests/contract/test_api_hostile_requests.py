"""API section "Conventions of every reply": garbage in paths, queries and headers."""

import http.client
import re
import socket

import httpx
import pytest

from tests.support.clients.conventions import UNKNOWN, Here, check_error


def test_one_connection_serves_many_requests_errors_included(here: Here) -> None:
    """Keep-alive survives refused requests, even with an unread body."""
    connection = http.client.HTTPConnection("127.0.0.1", here.installation.port, timeout=15)
    auth = here.client.headers["authorization"]
    asked = (
        ("GET", here.at("/sessions"), auth, None, 200),
        ("POST", here.at("/sessions"), "Bearer x", b"x" * 100_000, 401),
        ("GET", here.at("/sessions?nope=1"), auth, None, 422),
        ("POST", "/nowhere", auth, b"{}", 404),
        ("POST", here.at("/sessions"), auth, b"{}", 201),
        ("HEAD", here.at("/sessions"), auth, None, 200),
        ("GET", here.at("/sessions"), auth, None, 200),
    )
    connection.connect()
    first = connection.sock
    for method, path, token, body, status in asked:
        connection.request(method, path, body, {"Authorization": token, "Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()

        assert reply.status == status
        assert connection.sock is first
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "%ff%fe",
            "%00",
            "%zz%",
            "%",
            "%C3%A9",
            "a%2Fb",
            "..%2F..%2Fetc%2Fpasswd",
            "%2e%2e",
            "x" * 8_000,
            "{session_id}",
        ),
        *(UNKNOWN.upper(), f"{UNKNOWN}%0a", f"%20{UNKNOWN}", "0", "null", "%F0%9F%92%A9", "';--"),
    ],
)
def test_garbage_in_a_path_is_a_404(here: Here, path: str) -> None:
    """An id of the wrong format is unknown, in reads and writes."""
    for method, at in (
        ("GET", f"/sessions/{path}"),
        ("PATCH", f"/sessions/{path}"),
        ("POST", f"/sessions/{path}/end"),
        ("POST", f"/observability/sessions/{path}/events"),
    ):
        check_error(sent(here, method, here.at(at)), 404, "not_found")


def sent(here: Here, method: str, target: str, **headers: str) -> httpx.Response:
    """Send a request with an unchanged target, which clients would normalise."""
    given = {"Authorization": here.client.headers["authorization"], "Content-Type": "application/json", **headers}
    url = httpx.URL(here.installation.url).copy_with(raw_path=target.encode())
    body = b"{}" if method in ("POST", "PATCH") else None
    return here.anonymous.request(method, url, headers=given, content=body)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("agent_name=%00", 200),
        ("agent_name=%F0%9F%92%A9", 200),
        ("agent_name=%ff", 400),
        ("agent_name=%ed%a0%80", 400),
        ("%ff=1", 400),
        ("%00=1", 422),
        ("page=%00", 422),
        ("page=1%00", 422),
        ("page=NaN", 422),
        ("page=99999999999999999999", 422),
        ("page=" + "9" * 5_000, 422),
        ("sort=%00", 422),
        ("status=Active", 422),
        ("run_id=x", 422),
        ("started_after=2026-13-45T00:00:00Z", 422),
        ("started_after=2026-01-01", 422),
        ("current_user_only=perhaps", 422),
        ("access_token=x", 422),
        ("&&&", 200),
        ("=", 422),
        ("page=1;per_page=2", 422),
        ("agent_name=" + "x" * 20_000, 200),
        ("&".join(f"a{number}=1" for number in range(1_000)), 422),
    ],
)
def test_garbage_in_a_query_is_no_500(here: Here, query: str, status: int) -> None:
    """A valid value without a match returns an empty list. Invalid values and non-text bytes are refused."""
    reply = sent(here, "GET", here.at(f"/sessions?{query}"))

    if status == 200:
        assert (reply.status_code, reply.json()["meta"]["current_page"]) == (200, 1)
    else:
        check_error(reply, status, "bad_encoding" if status == 400 else "invalid")


def test_garbage_in_headers_is_no_500(here: Here) -> None:
    """Each header is sent with non-text bytes, and one header with 60 kB."""
    auth = here.client.headers["authorization"].encode()
    path, events = here.at("/sessions"), here.events

    def send(method: str, at: str, name: str, value: bytes) -> httpx.Response:
        given = {"Authorization": auth, "Content-Type": b"application/json", name: value}
        return here.anonymous.request(method, at, headers=given, content=b"{}" if method == "POST" else None)

    for value in (b"\xff\xfe", b"\xc3", "é".encode(), b"\x80" * 300):
        check_error(send("GET", path, "Authorization", b"Bearer " + value), 401)
        check_error(send("GET", path, "X-Wait-For-Position", value), 422)
        check_error(send("POST", path, "Content-Type", value), 415)
        check_error(send("POST", events, "Content-Encoding", value), 415)
        assert send("GET", path, "If-None-Match", value).status_code == 200
        assert send("GET", path, "X-Request-Id", value).status_code == 200
        assert send("GET", path, "Accept", value).status_code == 200
    check_error(send("POST", path, "Idempotency-Key", b"\xff\xfe"), 422)
    assert send("GET", path, "X-Large", b"x" * 60_000).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /api/v1/x\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez?a=\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nx",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_invalid_http_is_refused_by_the_server(here: Here, request_: bytes) -> None:
    """The server sends a 4xx without a body or closes the connection, before our code runs, and keeps serving."""
    with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
        try:
            connection.sendall(request_)
            answer = connection.recv(65_536)
        except OSError:  # the server closed the connection while we were sending
            answer = b""

    assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), answer
    assert here.anonymous.get("/livez").status_code == 200
