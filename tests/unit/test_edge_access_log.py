"""What a line of the access log says of a path."""

import pytest

from edge.logging import shown_path


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/acme/sessions",
        "/api/v1/acme/sessions/3f8a1c2e-7b4d-4e9f-8a6b-1c2d3e4f5a6b/hierarchy",
        "/api/v1/acme/sessions/analytics/cost-breakdown",
        "/api/v1/acme/ops/receipts/2:1841",
        "/schema/openapi.json",
        "/livez",
    ],
)
def test_addresses_of_ours_are_shown(path: str) -> None:
    """Words of routes, ids, positions, and the caller's own org."""
    assert shown_path(path, "acme") == path


@pytest.mark.parametrize("part", ["AKIA" + "X7" * 8, "ghp_" + "a1" * 18, "bob@example.com", "Acme Corp", "x" * 40])
def test_anything_else_is_not(part: str) -> None:
    """A secret that somebody put into a URL by mistake stays out of the log."""
    assert shown_path(f"/api/v1/{part}/sessions/{part}", "acme") == "/api/v1/…/sessions/…"
