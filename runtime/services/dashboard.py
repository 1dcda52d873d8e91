"""The web dashboard of a read service: the files in its folder."""

from importlib.resources import files
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from edge.module_bundle import bundle
from edge.static_files import static_routes

FOLDER = Path(str(files("dashboard")))
STATIC = FOLDER / "static"
PAGES = ("/", "/sessions", "/sessions/{session_id:str}", "/team", "/trust")
STYLES = ("base", "parts", "pages", "session", "trust", "chart")  # in this order: later rules take precedence
# Scripts, styles, pictures and calls only from this host, and nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# An address may name a session or a search, so other hosts must not see it as a referrer.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def dashboard_routes() -> list[HTTPRouteHandler]:
    """Return the routes of the dashboard: its page, its files, and one script and one style made of most of them."""
    made = {"app.js": page_script().encode(), "style.css": page_style().encode()}
    return static_routes(FOLDER / "index.html", PAGES, HEADERS, STATIC, made)


def page_script() -> str:
    """Return all modules of the page as one script."""
    return bundle(
        {path.relative_to(STATIC).as_posix(): path.read_text() for path in STATIC.rglob("*.js")}, "app/main.js"
    )


def page_style() -> str:
    """Return all styles of the page as one."""
    return "\n".join((STATIC / "style" / f"{name}.css").read_text() for name in STYLES)
