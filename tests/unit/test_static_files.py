"""`edge.static_files`: a folder and a page as routes."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.authentication import TokenVerifier
from edge.service import build_service
from edge.static_files import Asset, static_routes
from tests.support.clients.in_process import in_process

SCRIPT = "export const answer = 42;\n" * 40
POLICY = {"Content-Security-Policy": "default-src 'none'"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Write a page, a script, a style, a picture, and files that must not be served."""
    for name, text in {
        "index.html": '<script src="/static/app/main.js"></script><a href="/static-not/x">x</a>',
        "static/app/main.js": SCRIPT,
        "static/style/base.css": "body { margin: 0 }",
        "static/mark.svg": "<svg/>",
        "static/notes.txt": "not served",
        "static/app/.draft.js": "not served",
        "secret.js": "beside the folder",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def served(site: Path, made: str = "made()") -> httpx.AsyncClient:
    """Return a client of a service that has only the page."""
    more = {"made.js": made.encode()}
    routes = static_routes(site / "index.html", ["/", "/deep/{name:str}"], POLICY, site / "static", more)
    return in_process(build_service(routes, {}, TokenVerifier([]), ready), headers={"Accept-Encoding": "identity"})


async def ready() -> dict[str, bool]:
    return {}


@pytest.fixture
async def client(site: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(site) as made:
        yield made


async def folder_of(client: httpx.AsyncClient) -> str:
    """Return the folder where the page finds its files: `/static/<digest>`."""
    found = re.search(r'"(/static/[0-9a-f]{16})/app/main\.js"', (await client.get("/")).text)
    assert found is not None
    return found[1]


async def test_the_page_names_its_files_by_their_digest(client: httpx.AsyncClient) -> None:
    """This holds at each of its addresses; nothing else in the page changes."""
    pages = [await client.get(path) for path in ("/", "/deep/anything")]

    assert len({page.text for page in pages}) == 1
    assert f'"{await folder_of(client)}/app/main.js"' in pages[0].text
    assert 'href="/static-not/x"' in pages[0].text
    for page in pages:
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"] == "default-src 'none'"
        assert page.headers.get_list("cache-control") == ["no-cache"]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("app/main.js", "text/javascript; charset=utf-8", SCRIPT),
        ("style/base.css", "text/css; charset=utf-8", "body { margin: 0 }"),
        ("mark.svg", "image/svg+xml", "<svg/>"),
        ("made.js", "text/javascript; charset=utf-8", "made()"),
    ],
)
async def test_a_file_is_sent_as_it_is(client: httpx.AsyncClient, name: str, kind: str, text: str) -> None:
    """It has its content type, which browsers may not guess, and its length."""
    for encoding in ("identity", "gzip"):
        reply = await client.get(f"{await folder_of(client)}/{name}", headers={"Accept-Encoding": encoding})

        assert (reply.status_code, reply.headers["content-type"], reply.text) == (200, kind, text)
        assert reply.headers.get("content-encoding", "identity") == encoding
        assert reply.headers["vary"] == "Accept-Encoding"


async def test_the_present_digest_lasts_for_ever_and_another_one_does_not(client: httpx.AsyncClient) -> None:
    """During an upgrade a client of the other version must not store a file of this one under the other's address."""
    mine, theirs = await folder_of(client), "/static/0123456789abcdef"

    present, other = [await client.get(f"{folder}/app/main.js") for folder in (mine, theirs)]

    assert present.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert other.headers.get_list("cache-control") == ["no-cache"]
    assert present.text == other.text == SCRIPT


@pytest.mark.parametrize("changed", ["static/app/main.js", "static/mark.svg", "made.js"])
async def test_each_file_changes_the_digest_of_all(site: Path, changed: str) -> None:
    """So all have one version; the page and its tag follow."""
    async with served(site) as before:
        folder, tag = await folder_of(before), (await before.get("/")).headers["etag"]

    (site / changed).write_text("other")

    async with served(site, "other()" if changed == "made.js" else "made()") as after:
        assert await folder_of(after) != folder
        assert (await after.get("/")).headers["etag"] != tag


async def test_the_digest_is_that_of_the_files_alone(site: Path) -> None:
    """Two processes of one version agree; file times and unserved files do not matter."""
    async with served(site) as one:
        folder = await folder_of(one)

    (site / "static" / "app" / "main.js").write_text(SCRIPT)
    (site / "static" / "notes.txt").write_text("other")

    async with served(site) as two:
        assert await folder_of(two) == folder


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("br, *", True),
        ("gzip ; q = 1.000", True),
        ("*;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=nonsense", False),
        ("br, deflate", False),
        ("xgzip", False),
        ("", False),
    ],
)
async def test_gzip_is_sent_to_those_who_accept_it(client: httpx.AsyncClient, accepted: str, compressed: bool) -> None:
    """A weight of 0 is a refusal, and a name takes precedence over ``*``."""
    reply = await client.get("/static/x/app/main.js", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in reply.headers) == compressed
    assert (int(reply.headers["content-length"]) < len(SCRIPT)) == compressed
    assert reply.text == SCRIPT


async def test_several_lines_of_a_header_are_one_list(client: httpx.AsyncClient) -> None:
    """Proxies may split it."""
    lines = [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")]

    assert "content-encoding" in (await client.get("/static/x/mark.svg", headers=lines)).headers  # type: ignore[arg-type]  # bytes are fine


async def test_a_client_that_has_a_file_gets_no_body(client: httpx.AsyncClient) -> None:
    """By a tag, in every form; the reply has the headers of the whole one."""
    for path in ("/", "/static/x/app/main.js"):
        whole = await client.get(path)
        tag = whole.headers["etag"]
        for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
            reply = await client.get(path, headers={"If-None-Match": known})

            assert (reply.status_code, reply.content) == (304, b"")
            for name in ("cache-control", "etag", "vary", "content-security-policy"):
                assert reply.headers.get(name) == whole.headers.get(name)
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        *("", "app", "app/", "app/other.js", "APP/main.js", "notes.txt", "app/.draft.js", "../secret.js"),
        *("..%2fsecret.js", "%2e%2e/secret.js", "app/../../secret.js", "app//main.js", "/app/main.js"),
        *("app/main.js%00", "app%5cmain.js", "app/main.js/"),
    ],
)
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    """Names are looked up, never opened."""
    reply = await client.get(f"/static/x/{name}")

    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


async def test_a_query_is_the_page_s_own(client: httpx.AsyncClient) -> None:
    """Any may be given to the page, repeated or not in UTF-8; a file takes none."""
    assert (await client.get("/?range=7d&agent=x&agent=y&z=null&w=%FF")).status_code == 200
    assert (await client.get("/static/x/app/main.js?v=1")).status_code == 422


async def test_a_file_is_compressed_once() -> None:
    """When a client first asks for it, and not before."""
    loaded: list[int] = []

    def load() -> bytes:
        loaded.append(1)
        return b"x" * 1_000

    asset = Asset(load, ".js", "digest")
    assert loaded == []
    first, second = [await asset.gzipped() for _ in range(2)]

    assert (len(loaded), gzip.decompress(first)) == (1, b"x" * 1_000)
    assert first is second
