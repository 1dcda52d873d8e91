"""API section "Conventions of every reply", row by row, over real HTTP, on `up` and `stack`.

Rules for every route are tested on every route in the document at ``/schema/openapi.json``.
"""

import re
from typing import Any

import pytest

from tests.support.clients.conventions import EVENT, JSON, Here, assert_fresh, check_common, check_error, check_limits


def test_every_route_refuses_in_one_shape(here: Here) -> None:
    """No credential is 401, another org 404, an unknown parameter 422, an unsupported method 405."""
    stranger = here.installation.client(org=f"{here.org}-other")
    not_found = []
    for route in here.guarded():
        without = here.ask(route, here.anonymous)
        foreign = here.ask(route, stranger)
        misspelt = here.ask(route, params={"no_such_parameter": "1"})
        unknown = here.ask(route._replace(method="DELETE"))

        check_error(without, 401, "unauthenticated")
        assert without.headers["www-authenticate"] == "Bearer"
        not_found.append({**check_error(foreign, 404, "not_found"), "request_id": None})
        assert check_error(misspelt, 422, "invalid")["details"] == {"no_such_parameter": ["is not a known parameter"]}
        check_error(unknown, 405, "method_not_allowed")
        assert route.method in unknown.headers["allow"].split(", ")
        for reply in (without, foreign, misspelt, unknown):
            check_common(reply)
        for reply in (foreign, misspelt):
            check_limits(reply, "60000" if route.method == "GET" else "600000")
        assert "x-ratelimit-limit" not in without.headers
    assert all(body == not_found[0] for body in not_found)


# A browser's cache keeps what an erasure can't reach.
OF_SESSIONS = """
    ListSessions ListLiveSessions SearchSessions ListThreads ListFilterValues GetSession GetSpend ListCompactions
    GetAnalysis ListEvents GetHierarchy AnalyticsToolErrors
    """.split()


def caching_of(route: str) -> str:
    """Return the `Cache-Control` of a route that succeeds."""
    return "no-store" if route in OF_SESSIONS else "private, no-cache"


def test_every_read_has_one_shape(here: Here) -> None:
    """Reads return `data` and `meta` in JSON, with rate limits, a weak tag and their freshness in headers."""
    for route in here.reads():
        reply = here.ask(route)

        assert (reply.status_code, route.name) == (200, route.name), reply.text
        assert list(reply.json()) == ["data", "meta"]
        assert reply.headers["content-type"] == JSON
        check_common(reply, caching_of(route.name))
        check_limits(reply, "60000")
        assert re.fullmatch(r'W/"[!#-~]+"', reply.headers["etag"])
        assert_fresh(reply)
        if "/analytics/" in route.path:
            assert reply.json()["meta"]["complete_through"] == reply.headers["x-complete-through"]
            assert reply.json()["meta"]["lag_records"] >= 0


def test_a_current_tag_returns_304(here: Here) -> None:
    """Every read returns 304 without a body, with the tag and a fresh time."""
    for route in here.reads():
        if "/operator/" in route.path:
            continue  # these cover the whole installation, which other tests change
        tag = here.ask(route).headers["etag"]
        reply = here.ask(route, headers={"If-None-Match": tag})

        assert (reply.status_code, reply.content, route.name) == (304, b"", route.name)
        assert reply.headers["etag"] == tag
        check_common(reply, caching_of(route.name))
        check_limits(reply, "60000")
        assert_fresh(reply)


def test_a_tag_may_have_every_form(here: Here) -> None:
    """A tag may be in a list, strong, or ``*``. Other or malformed tags return 200."""
    path = f"/sessions/{here.session}"
    tag = here.get(path).headers["etag"]
    for known, status in (
        (tag.removeprefix("W/"), 304),
        (f'"other", {tag}', 304),
        ("*", 304),
        ('"other"', 200),
        ("garbage,,", 200),
        ("", 200),
    ):
        assert here.get(path, headers={"If-None-Match": known}).status_code == status


def test_a_tag_changes_with_the_data(here: Here) -> None:
    """A caller with the old tag gets the new data."""
    path = f"/sessions/{here.session}"
    tag = here.get(path).headers["etag"]
    changed = here.client.patch(here.at(path), json={"title": "new"})

    reply = here.get(path, headers={"If-None-Match": tag, "X-Wait-For-Position": changed.headers["X-Log-Position"]})

    assert (reply.status_code, reply.json()["data"]["title"]) == (200, "new")
    assert reply.headers["etag"] != tag


def test_pages(alone: Here) -> None:
    """Pages start at 1 and have 25 items by default, 100 at most. A page past the end is empty, with correct totals."""
    for _ in range(2):
        alone.see(alone.client.post(alone.at("/sessions"), json={}).headers["X-Log-Position"])

    def page(**params: Any) -> tuple[int, dict[str, int]]:
        reply = alone.get("/sessions", params=params).json()
        return len(reply["data"]), reply["meta"]

    def meta(page: int, size: int, pages: int) -> dict[str, int]:
        return {"current_page": page, "per_page": size, "total_pages": pages, "total_count": 3}

    assert page() == (3, meta(1, 25, 1))
    assert page(per_page=2) == (2, meta(1, 2, 2))
    assert page(per_page=2, page=2) == (1, meta(2, 2, 2))
    assert page(per_page=2, page=3) == (0, meta(3, 2, 2))
    assert page(per_page=100, page=10**15) == (0, meta(10**15, 100, 1))
    assert alone.get("/sessions", params={"agent_name": "unused"}).json()["meta"]["total_pages"] == 0
    for wrong in ({"page": 0}, {"page": -1}, {"per_page": 0}, {"per_page": 101}, {"page": "x"}, {"page": ""}):
        assert list(check_error(alone.get("/sessions", params=wrong), 422, "invalid")["details"]) == list(wrong)


@pytest.mark.parametrize("given", ["r-1", "x", "A.b_c-9" * 9, "0" * 64])
def test_a_valid_request_id_is_returned(here: Here, given: str) -> None:
    """This holds for success, errors and public routes."""
    headers = {"X-Request-Id": given}
    for reply in (
        here.get("/sessions", headers=headers),
        here.get("/nowhere", headers=headers),
        here.anonymous.get("/livez", headers=headers),
        here.client.post(here.at("/sessions"), json={"nope": 1}, headers=headers),
    ):
        assert reply.headers["x-request-id"] == given
        assert reply.is_success or reply.json()["request_id"] == given


@pytest.mark.parametrize("given", [b"", b"x" * 65, b"a b", b"a/b", b"\xff", b"<script>", None])
def test_any_other_request_id_is_replaced(here: Here, given: bytes | None) -> None:
    """The service creates a new id each time."""
    headers = {} if given is None else {"X-Request-Id": given}
    minted = {here.anonymous.get("/livez", headers=headers).headers["x-request-id"] for _ in range(3)}

    assert len(minted) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", one) and one.encode() != given for one in minted)


def test_every_write_returns_its_log_position(here: Here) -> None:
    """The position is in a header and in `meta`. A read that waits for it includes the write."""
    session = here.at(f"/sessions/{here.session}")
    for method, path, body, status in (
        ("POST", here.at("/sessions"), {}, 201),
        ("POST", here.events, {"events": [EVENT]}, 202),
        ("PATCH", session, {"title": "t"}, 200),
        ("POST", f"{session}/end", {"outcome": "success"}, 200),
    ):
        reply = here.client.request(method, path, json=body)

        assert reply.status_code == status, reply.text
        assert list(reply.json()) == ["data", "meta"]
        assert re.fullmatch(r"\d+:\d+", reply.headers["x-log-position"])
        assert reply.json()["meta"]["position"] == reply.headers["x-log-position"]
        assert reply.headers["content-type"] == JSON
        check_common(reply)
        check_limits(reply, "600000")
        here.see(reply.headers["x-log-position"])
    assert here.get(f"/sessions/{here.session}").json()["data"]["outcome"] == "success"


def test_a_read_waits_for_several_positions_for_a_bounded_time(alone: Here) -> None:
    """Positions may be in one header or several. If one is not projected within 10 s, the response is 503."""
    written = [alone.client.post(alone.at("/sessions"), json={}).headers["X-Log-Position"] for _ in range(3)]
    together = alone.get("/sessions", headers={"X-Wait-For-Position": ", ".join(written)})
    apart = alone.client.get(alone.at("/sessions"), headers=[("X-Wait-For-Position", position) for position in written])
    partition = written[0].partition(":")[0]

    never = alone.get("/sessions", headers={"X-Wait-For-Position": f"{partition}:{1 << 40}"})

    assert together.json()["meta"]["total_count"] == apart.json()["meta"]["total_count"] == 4
    check_error(never, 503, "not_yet_visible")
    assert never.headers["retry-after"] == "1"
    check_common(never)
    for wrong in ("x", "1", "1:", ":1", "-1:0", "0:-1", "0:1,", "0:1;0:2", "0:99999999999999999999"):
        refused = alone.get("/sessions", headers={"X-Wait-For-Position": wrong})
        assert list(check_error(refused, 422, "invalid")["details"]) == ["X-Wait-For-Position"]


def test_head_is_a_get_without_its_body(here: Here) -> None:
    """HEAD has the same status and headers, and supports tags."""
    for client, path in ((here.client, here.at("/sessions")), (here.anonymous, "/livez"), (here.anonymous, "/nowhere")):
        got, head = client.get(path), client.head(path)

        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("content-type", "content-length", "cache-control", "etag"):
            assert head.headers.get(name) == got.headers.get(name)
    tag = here.get("/sessions").headers["etag"]
    assert here.client.head(here.at("/sessions"), headers={"If-None-Match": tag}).status_code == 304
    check_common(here.client.head(here.at("/sessions")), "no-store")


def test_options_lists_the_methods(here: Here) -> None:
    """OPTIONS needs a credential. This installation allows no browser pages."""
    path = here.at("/sessions")
    known = here.client.options(path)
    preflight = here.anonymous.options(
        path, headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    )

    assert (known.status_code, known.content) == (204, b"")
    assert "GET" in known.headers["allow"].split(", ")
    check_error(preflight, 401)
    assert not [name for name in preflight.headers if name.startswith("access-control-")]
