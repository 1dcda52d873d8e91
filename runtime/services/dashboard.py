"""The web dashboard of a read service: the files in its folder, and the charts from a Python package."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from edge.static_files import static_routes

PAGES = ("/", "/sessions", "/sessions/{session_id:str}", "/team", "/trust")
CHARTS = "vendor/plotly.min.js"
# When it loads, the charts' script inserts one style (for maps), with this hash. A new version may have another hash.
MAP_STYLE = "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='"
# Scripts, styles and calls only from this host, and nothing else inline. Charts have images in data URLs.
POLICY = (
    f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' {MAP_STYLE}; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# An address may name a session or a search, so other hosts must not see it as a referrer.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def dashboard_routes() -> list[HTTPRouteHandler]:
    """Return the routes of the dashboard. Without the charts' package, it shows only tables."""
    folder = Path(str(files("dashboard")))
    found = find_spec("plotly")  # importing the package would take 100 ms and 30 MB
    script = Path(found.origin).with_name("package_data") / "plotly.min.js" if found and found.origin else None
    charts = {CHARTS: script} if script and script.is_file() else {}
    return static_routes(folder / "index.html", PAGES, HEADERS, folder / "static", charts)
