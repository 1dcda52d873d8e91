"""Wait until all that an installation has recorded can be read, by marks that are recorded behind it."""

import httpx

from tests.support.waiting import eventually

MARKS = 200  # enough that each partition gets some


def wait_for_all(api: httpx.Client, org: str) -> None:
    """Wait until everything that was recorded before this call is in the tables.

    A session can be read as soon as its first fact is there, so to see it does not mean that all of it is.
    """
    marks = [{"session_id": f"connection-test:{n}", "work": {"commits": 1}} for n in range(MARKS)]
    marked = api.post(f"/api/v1/{org}/hooks/claude-code", json={"reports": marks})
    assert marked.is_success, marked.text
    wait = {"X-Wait-For-Position": marked.headers["X-Log-Position"]}
    eventually(lambda: api.get(f"/api/v1/{org}/sessions", headers=wait).is_success, within_s=120)
