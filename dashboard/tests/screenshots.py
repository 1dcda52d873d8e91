"""Take the pictures of the dashboard for README and docs: `make screenshots`.

They show the demo's data in a separate installation, which ends with the program.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.support.rigs.dashboard import Dashboard, Visits, dashboard_with_demo, new_context, running_chromium

WIDTH, HEIGHT = 1280, 860
SIZE = (200, 50_000)  # sessions and events, as in `make demo`
FOLDER = Path("docs/images")


def main() -> None:
    """Write a picture of each page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="crewkit-screenshots-") as folder:
        print("Starting an installation with the demo's data …")
        with dashboard_with_demo(Path(folder), *SIZE) as dashboard, running_chromium() as browser:
            visits = Visits(new_context(browser, viewport={"width": WIDTH, "height": HEIGHT}))
            for name, path, ready in pages_of(dashboard):
                tokens = {"token": dashboard.token(), "operator": dashboard.operator_token()}
                page = visits.open(dashboard.link(path, **tokens))
                take(page, ready, FOLDER / f"dashboard-{name}.png")
            visits.check()
            visits.close()


def pages_of(dashboard: Dashboard) -> list[tuple[str, str, str]]:
    """Return the name of each picture, its address, and an element that is there once everything is drawn."""
    session = dashboard.api("/sessions", per_page=1, sort="-cost_usd")["data"][0]["id"]
    return [
        ("overview", "/?range=7d", '[data-testid="chart"][data-drawn="yes"]'),
        ("session", f"/sessions/{session}", ".turn"),
        ("trust", "/trust", '[data-testid="coverage-complete"]'),
    ]


def take(page: Page, ready: str, file: Path) -> None:
    page.locator(ready).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file, animations="disabled")
    print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
