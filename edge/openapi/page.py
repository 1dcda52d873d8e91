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
_SCRIPT = b"""\
window.onload = () => SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
"""
_PAGE = b"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>crewkit-sessions: the API</title>
<link rel="stylesheet" href="/schema/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/schema/assets/favicon-32x32.png">
<script src="/schema/assets/swagger-ui-bundle.js" defer></script>
<script src="/schema/assets/start.js" defer></script>
</head>
<body><main id="page"><a href="/schema/openapi.json">openapi.json</a></main></body>
</html>
"""
# Allows scripts and calls of this host only. Swagger UI sets style attributes and has icons in data URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS: Mapping[str, str] = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


@get("/schema/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def openapi_json(request: Request[object, object, State], state: State) -> Response[bytes]:
    """Return the OpenAPI document. The first request builds it, in a thread: that takes up to 100 ms."""
    if _DOCUMENT not in state:
        state[_DOCUMENT] = msgspec.json.encode(build_document(request.app))
    return Response(state[_DOCUMENT], media_type=MediaType.JSON)


@get("/schema", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def page() -> Response[bytes]:
    """Return the page that shows the document."""
    return Response(_PAGE, media_type=MediaType.HTML, headers={"Content-Security-Policy": _POLICY})


@get("/schema/assets/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(request: Request[object, object, State]) -> Response[bytes]:
    """Return a file of the page."""
    name = str(request.path_params["name"])
    if name == "start.js":
        return Response(_SCRIPT, media_type="text/javascript")
    if name not in _ASSETS:
        raise not_found()
    return Response(_packaged(name), media_type=_ASSETS[name])


@cache
def _packaged(name: str) -> bytes:
    """Read a file of the package, which is not imported: it would import Flask."""
    place = distribution("flask-swagger-ui").locate_file(f"flask_swagger_ui/dist/{name}")
    return Path(str(place)).read_bytes()


PAGE_ROUTES: list[HTTPRouteHandler] = [openapi_json, page, asset]
