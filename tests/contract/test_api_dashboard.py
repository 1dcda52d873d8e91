"""The dashboard as a browser sees it: the pages, their files, and the sign-in link."""

import http.client
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from runtime.services.dashboard import STATIC, page_script, page_style
from schemas.permissions import OPERATOR_ORG
from tests.support.clients.conventions import JSON, UNKNOWN, Here, check_error
from tests.support.rigs.folder import files_of
from tests.support.rigs.installation import Installation
from tests.support.rigs.write_api import WriteApi
from tests.support.waiting import eventually

PAGES = ("/", "/sessions", f"/sessions/{UNKNOWN}", "/team", "/trust")
OTHER_VERSION = "0123456789abcdef"


def folder_of(here: Here) -> str:
    """Return the folder where the page finds its files: `/static/<digest>`."""
    found = re.search(r'"(/static/[0-9a-f]{16})/app\.js"', here.anonymous.get("/").text)
    assert found is not None
    return found[1]


def read(name: str) -> str:
    return (STATIC / name).read_text()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_at_each_of_its_addresses(here: Here, path: str) -> None:
    """No credential is needed, and the query may hold any state. It is one document, whose script reads the address."""
    page = here.anonymous.get(path)
    again = here.anonymous.get(path, params={"range": "7d", "agent": "null", "no_such_parameter": "1"})

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text == again.text == here.anonymous.get("/").text
    assert page.headers.get_list("cache-control") == ["no-cache"]
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "x-ratelimit-limit" not in page.headers


def test_a_page_may_run_scripts_of_its_host_alone(here: Here) -> None:
    """Nothing inline, nothing evaluated, no other host, no framing; a copied page can't submit a form."""
    page = here.anonymous.get("/")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))

    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert {policy[name] for name in ("default-src", "base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert not re.search(r"//|\*|unsafe-eval", page.headers["content-security-policy"])
    assert re.findall(r"<script(?![^>]* src=)|<[^>]* (?:style|on\w+)=", page.text) == []


def test_everything_that_the_page_loads_is_served(here: Here) -> None:
    """Under the digest, cacheable indefinitely; the modules and the styles are one file each."""
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', here.anonymous.get("/").text)

    assert len(loaded) >= 2
    for url in loaded:
        reply = here.anonymous.get(url)
        assert reply.status_code == 200, url
        assert reply.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
        name = url.split("/", 3)[3]
        assert reply.text == (
            page_script() if name == "app.js" else page_style() if name == "style.css" else read(name)
        )


def test_every_file_of_the_folder_is_served(here: Here) -> None:
    """This includes modules that a script imports, with the content types that browsers require."""
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    paths = [path for path in STATIC.rglob("*") if path.is_file()]

    assert paths
    for path in paths:
        reply = here.anonymous.get(f"{folder_of(here)}/{path.relative_to(STATIC)}")
        assert (reply.status_code, reply.headers["content-type"]) == (200, kinds[path.suffix]), path


def test_a_file_of_another_version_is_the_present_one_and_not_kept(here: Here) -> None:
    """During an upgrade, a page of one version may ask a process of the other version."""
    present, other = [here.anonymous.get(f"{at}/app/main.js") for at in (folder_of(here), f"/static/{OTHER_VERSION}")]

    assert (other.status_code, other.content) == (200, present.content)
    assert other.headers.get_list("cache-control") == ["no-cache"]


def test_gzip_head_and_tags(here: Here) -> None:
    """A page and a file behave like other replies: HEAD has the same headers, and a current tag returns 304."""
    for path in ("/", "/team", f"{folder_of(here)}/app/main.js"):
        compressed, plain = [
            here.anonymous.get(path, headers={"Accept-Encoding": accepted}) for accepted in ("gzip", "gzip;q=0, br")
        ]
        head = here.anonymous.head(path, headers={"Accept-Encoding": "identity"})
        known = here.anonymous.get(path, headers={"If-None-Match": plain.headers["etag"]})

        assert (compressed.headers["content-encoding"], compressed.content) == ("gzip", plain.content)
        assert "content-encoding" not in plain.headers
        assert compressed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length", "cache-control", "etag"):
            assert head.headers[name] == plain.headers[name]
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", plain.headers["etag"])


@pytest.mark.parametrize(
    "path",
    [
        *("/static", "/static/", "/static/x", "/static/x/app", "/static/x/app/", "/static/x/app/no.js", "/index.html"),
        *("/static/x/../../etc/passwd", "/static/x/%2e%2e/%2e%2e/etc/passwd", "/static/x/..%2f..%2fetc%2fpasswd"),
        *(
            "/static/x//etc/passwd",
            "/static/x/app/../app/main.js",
            "/static/x/app%2fmain.js",
            "/static/x/app/main.js%00",
        ),
        *("/sessions/", "/sessions/a/b", "/team/", "/TEAM", "/sessions/../team", "/x"),
    ],
)
def test_nothing_else_is_a_page_or_a_file(here: Here, path: str) -> None:
    """The path is sent as spelled, which most clients would not do."""
    connection = http.client.HTTPConnection("127.0.0.1", here.installation.port, timeout=15)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()

    assert (reply.status, reply.headers["content-type"], b'"not_found"' in body) == (404, JSON, True)


def test_only_pages_take_any_query(here: Here) -> None:
    """Elsewhere a misspelt parameter is an error; a page accepts no other method."""
    for path in (here.at("/sessions"), f"{folder_of(here)}/app/main.js", "/livez"):
        reply = here.client.get(path, params={"no_such_parameter": "1"})
        assert check_error(reply, 422)["details"] == {"no_such_parameter": ["is not a known parameter"]}
    check_error(here.anonymous.post("/"), 405)


def test_the_document_of_the_api_has_no_page(here: Here) -> None:
    """The pages are not part of the API."""
    assert not [path for path in here.anonymous.get("/schema/openapi.json").json()["paths"] if path in PAGES]


def test_names_of_files_make_no_series(here: Here) -> None:
    """Metrics count by route, and HEAD counts like other methods."""
    for name in ("a.js", "b.js"):
        here.anonymous.get(f"/static/{OTHER_VERSION}/{name}")
    here.anonymous.head("/team")
    here.anonymous.get("/sessions/secret-of-a-client")

    text = here.anonymous.get("/metrics").text

    routes = {found for found in re.findall(r'requests_total\{.*?route="([^"]+)"', text) if "/api/" not in found}
    assert {"/team", "/sessions/{session_id}", "/static/{digest}/{name}"} <= routes
    assert not [route for route in routes if OTHER_VERSION in route or "secret" in route]
    methods = set(re.findall(r'requests_total\{.*?method="([^"]+)"', text))
    assert "HEAD" in methods
    assert not [method for method in methods if not method.isupper() and method != "other"]


async def test_the_write_side_alone_has_no_page(api: WriteApi) -> None:
    """It could not answer the page's requests."""
    for path in (*PAGES, f"/static/{OTHER_VERSION}/app/main.js"):
        check_error(await api.client.get(path), 404, "not_found")


def test_the_printed_link_signs_in(installation: Installation) -> None:
    """By an admin's and an operator's token: `stack` prints both, `up` a code for them.

    Other tests open the link of the shared `up`, so its code comes from `open`.
    """
    again = installation.command("open", "--print").stdout if installation.kind == "up" else ""
    link = urlsplit(again.strip() or printed_links(installation)[-1])
    given = {name: values[0] for name, values in parse_qs(link.fragment, strict_parsing=True).items()}
    if installation.kind == "up":
        assert list(given) == ["code"]
        given = httpx.post(f"{installation.url}/login/code", json=given, trust_env=False).json()["data"]

    assert (f"{link.scheme}://{link.netloc}", link.path, link.query) == (installation.url, "/", "")
    for path, name in (("acme/sessions", "token"), (f"{OPERATOR_ORG}/freshness", "operator")):
        headers = {"Authorization": f"Bearer {given[name]}"}
        assert httpx.get(f"{installation.url}/api/v1/{path}", headers=headers, trust_env=False).status_code == 200


def test_no_file_of_the_installation_has_the_tokens(installation: Installation) -> None:
    """They are only printed, neither logged nor stored. `up` prints no token at all."""
    secrets = {secret.encode() for link in printed_links(installation) for secret in re.findall(r"=([^&]+)", link)}
    out = installation.data / f"{installation.kind}.out"

    assert secrets
    assert installation.kind == "stack" or "eyJ" not in out.read_text()
    for file in files_of(installation.data):
        if file != out and file.exists():
            text = file.read_bytes()
            assert not [secret for secret in secrets if secret in text], file


def printed_links(installation: Installation) -> list[str]:
    """Return the links printed at its starts; the first may not be printed yet."""
    out = installation.data / f"{installation.kind}.out"
    eventually(lambda: "Open the dashboard: " in out.read_text())
    return re.findall(r"^Open the dashboard: (\S+)$", out.read_text(), re.MULTILINE)
