"""API section "Conventions of every reply": a write returns its log position, and a read can wait for it."""

from tests.support.rigs.installation import Installation


def test_a_read_that_waits_for_a_position_sees_the_write(installation: Installation, fresh_org: str) -> None:
    """A read with the position of a write shows that write, on `up` and `stack`."""
    with installation.client(org=fresh_org) as client:
        created = client.post(f"/api/v1/{fresh_org}/sessions", json={"project_id": "prj_1"})
        position = created.headers["X-Log-Position"]

        read = client.get(f"/api/v1/{fresh_org}/sessions", headers={"X-Wait-For-Position": position})

        assert created.json()["meta"]["position"] == position
        assert [session["id"] for session in read.json()["data"]] == [created.json()["data"]["id"]]
        assert read.json()["data"][0]["position"] == position
