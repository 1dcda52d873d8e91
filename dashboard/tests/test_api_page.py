"""The API page: Swagger UI renders the whole document, with nothing that its policy forbids."""

from playwright.sync_api import expect

from tests.support.oracles.openapi import operations
from tests.support.rigs.dashboard import Dashboard, Visits


def test_the_api_page_shows_every_operation_with_its_example(dashboard: Dashboard, visits: Visits) -> None:
    """`visits` fails if the page violates its policy, or logs an error."""
    page = visits.open(f"{dashboard.url}/schema")
    with dashboard.installation.client() as client:
        document = client.get("/schema/openapi.json").json()

    expect(page.locator(".opblock")).to_have_count(len(operations(document)))
    assert page.evaluate("origin") == "null"  # its scripts are not ours: no token of the dashboard is within reach
    page.locator("#operations-Writing-CreateSession .opblock-summary-control").click()
    expect(page.locator("#operations-Writing-CreateSession")).to_contain_text("git@github.com:acme/backend")
