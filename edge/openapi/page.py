"""The API page at ``/schema``: Swagger UI served from its Python package, so that it works offline.

No script is inline, so a strict content security policy can forbid inline scripts and other hosts.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from edge.authentication import PUBLIC
from edge.errors import not_found
from edge.openapi.document import build_document

_DOCUMENT = "openapi_document"
_FOLDER = Path(__file__).parent
_PAGE = (_FOLDER / "page.html").read_bytes()
# Allows scripts and calls of this host only. Swagger UI sets style attributes and has icons in data URLs. The sandbox
# gives its scripts, which are not ours, an origin of their own, so that they can't reach the dashboard's token. The API
# takes no calls from there, so the page offers none (start.js).
_POLICY = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_ASSETS: Mapping[str, str] = {
    "start.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


@get("/schema/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def openapi_json(request: Request[object, object, State], state: State) -> Response[bytes]:
    """Return the OpenAPI document. The first request builds it, in a thread: that takes up to 100 ms."""
    if _DOCUMENT not in state:
        state[_DOCUMENT] = msgspec.json.encode(build_document(request.app))
    headers = {"Access-Control-Allow-Origin": "*"}  # it is public, and the page has an origin of its own
    return Response(state[_DOCUMENT], media_type=MediaType.JSON, headers=headers)


@get("/schema", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def page() -> Response[bytes]:
    return Response(_PAGE, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})


@get("/schema/assets/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(request: Request[object, object, State]) -> Response[bytes]:
    name = str(request.path_params["name"])
    if name not in _ASSETS:
        raise not_found()
    return Response(_read(name), media_type=_ASSETS[name])


@cache
def _read(name: str) -> bytes:
    """Return a file of this folder, or of Swagger UI's package. That is not imported: it would import Flask."""
    own = _FOLDER / name
    packaged = distribution("flask-swagger-ui").locate_file(f"flask_swagger_ui/dist/{name}")
    return (own if own.exists() else Path(str(packaged))).read_bytes()


PAGE_ROUTES: list[HTTPRouteHandler] = [openapi_json, page, asset]
