"""Serve a web page that needs no build step: a folder of scripts, styles and pictures, and the page that loads them.

The address of a file contains a digest of all files, so clients may cache it indefinitely. While two versions run
behind one load balancer, a client may request a file of the other version. It gets the file of this version, marked
`no-cache`.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any, cast

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from edge.authentication import PUBLIC
from edge.compression import accept_encoding, accepts
from edge.errors import not_found
from edge.headers import joined_header
from edge.query_parameters import ANY_PARAMETER

PREFIX = "/static"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
TYPES: Mapping[str, str] = {  # by suffix; Litestar adds the charset to text
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Asset:
    """A file that is compressed at the first request for it, once and in a thread: the page's script takes 10 ms."""

    def __init__(self, load: Callable[[], bytes], suffix: str, digest: str) -> None:
        self.digest = digest
        self._load, self._type = load, TYPES[suffix]
        self._compressed: bytes | None = None
        self._compressing = asyncio.Lock()

    async def respond(self, request: Request[Any, Any, Any], headers: Mapping[str, str]) -> Response[bytes]:
        """Return the file, or 304 if the client has it; ``headers`` are added to either."""
        tag = f'"{self.digest}"'
        # A weak tag: compressed or not, it is the same file.
        headers = {**headers, "ETag": f"W/{tag}", "Vary": "Accept-Encoding"}
        known = [given.strip() for given in joined_header(request.scope, b"if-none-match").split(",")]
        if "*" in known or tag in (given.removeprefix("W/") for given in known):
            return Response(cast(Any, None), status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        if not accepts(accept_encoding(request.scope), "gzip"):
            return Response(await asyncio.to_thread(self._load), media_type=self._type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(await self.gzipped(), media_type=self._type, headers=headers)

    async def gzipped(self) -> bytes:
        async with self._compressing:
            if self._compressed is None:
                self._compressed = await asyncio.to_thread(lambda: gzip.compress(self._load(), 6, mtime=0))
        return self._compressed


def static_routes(
    page: Path, page_paths: Sequence[str], page_headers: Mapping[str, str], folder: Path, made: Mapping[str, bytes]
) -> list[HTTPRouteHandler]:
    """Return the routes of the page and of its files; none needs a credential.

    The page is served at each of ``page_paths``, with any query: it keeps its state there. It refers to files as
    ``/static/<name>``. ``made`` are files by name that are in no folder. Hidden files, and those of other types than
    `TYPES`, are not served.
    """
    found = sorted(path for path in folder.rglob("[!.]*") if path.suffix in TYPES)
    assets = {path.relative_to(folder).as_posix(): _asset(path.read_bytes, path.suffix) for path in found}
    assets |= {name: _asset(partial(bytes, text), PurePath(name).suffix) for name, text in made.items()}
    digest = _digest(*(f"{name} {asset.digest}\n".encode() for name, asset in assets.items()))
    text = page.read_bytes().replace(f'"{PREFIX}/'.encode(), f'"{PREFIX}/{digest}/'.encode())
    document = Asset(lambda: text, page.suffix, _digest(text))

    @get([*page_paths], opt=PUBLIC | ANY_PARAMETER, include_in_schema=False)
    async def show_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await document.respond(request, {"Cache-Control": ASK_AGAIN, **page_headers})

    @get(f"{PREFIX}/{{digest:str}}/{{name:path}}", opt=PUBLIC, include_in_schema=False)
    async def send_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        version, name = (str(request.path_params[key]) for key in ("digest", "name"))
        asset = assets.get(name.removeprefix("/"))
        if asset is None:
            raise not_found()
        return await asset.respond(request, {"Cache-Control": FOR_EVER if version == digest else ASK_AGAIN})

    return [show_page, send_file]


def _asset(load: Callable[[], bytes], suffix: str) -> Asset:
    return Asset(load, suffix, _digest(load()))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]
