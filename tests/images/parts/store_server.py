"""A store server with the users of `deploy/clickhouse/users.d/crewkit.xml`, instead of a ClickHouse server."""

from pathlib import Path

from devstack.store_server.server import serve
from devstack.store_server.users import StoreUser


def password(name: str) -> str:
    """Return the password that a user's services read."""
    return Path(f"/passwords/{name}/password").read_text()


USERS = (
    StoreUser("crewkit_provision", password("provision"), readonly=False),
    StoreUser("crewkit_projector", password("projector"), readonly=False),
    StoreUser("crewkit_query", password("query"), readonly=True, inserts=(("crewkit", "requests"),)),
)

if __name__ == "__main__":
    serve(Path("/data/store"), "0.0.0.0", 8123, USERS)  # noqa: S104 (the network of a container)
