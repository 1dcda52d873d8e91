"""The web dashboard of a service that reads: what its folder holds, and the charts that come as a Python package."""

from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from edge.static_files import static_routes
from runtime.packages import find_package

PAGES = ("/", "/sessions", "/sessions/{session_id:str}", "/team", "/trust")
CHARTS = "vendor/plotly.min.js"
# The charts' script inserts this one style, of maps, when it is loaded. A newer version may have another one.
MAP_STYLE = "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='"
# Scripts, styles and calls of this host only, and nothing else inline. Charts have pictures in data URLs.
POLICY = (
    f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' {MAP_STYLE}; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# An address may name a session or a search, so other hosts do not get it.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def dashboard_routes() -> list[HTTPRouteHandler]:
    """Return the routes of the dashboard. Without the charts' package, it shows tables alone."""
    folder = find_package("dashboard")
    if folder is None:
        raise FileNotFoundError("the package `dashboard` is not installed")
    return static_routes(folder / "index.html", PAGES, HEADERS, folder / "static", _find_charts())


def _find_charts() -> dict[str, Path]:
    """Find the charts' script without importing its package, which takes 100 ms and 30 MB."""
    package = find_package("plotly")
    script = package and package / "package_data" / "plotly.min.js"
    return {CHARTS: script} if script and script.is_file() else {}
