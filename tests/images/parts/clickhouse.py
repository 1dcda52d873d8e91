"""A store server instead of the image `clickhouse/clickhouse-server`, with users and settings from its files."""

import os
from pathlib import Path
from xml.etree import ElementTree

from devstack.store_server.conditions import BEHIND_PROXY, DEDUPLICATION_WINDOW
from devstack.store_server.server import serve
from devstack.store_server.users import StoreUser

FILES = Path("/etc/clickhouse-server")


def texts(file: str, path: str) -> dict[str, str]:
    """Return the text of each element below a path, by its tag and its parent's."""
    root = ElementTree.parse(FILES / file).getroot()  # noqa: S314 (our own file)
    return {f"{parent.tag}/{child.tag}": child.text or "" for parent in root.iterfind(path) for child in parent}


def users() -> list[StoreUser]:
    """Return the users of `users.d`; of a profile, only `readonly` counts."""
    found, profiles = texts("users.d/tests.xml", "users/*"), texts("users.d/tests.xml", "profiles/*")
    made = []
    for name in (key.removesuffix("/password") for key in found if key.endswith("/password")):
        readonly = int(profiles.get(f"{found[f'{name}/profile']}/readonly", "0"))
        made.append(StoreUser(name, found[f"{name}/password"], readonly=readonly > 0, may_set=readonly != 1))
    return made


if __name__ == "__main__":
    window = texts("config.d/tests.xml", "merge_tree")["merge_tree/non_replicated_deduplication_window"]
    assert texts("users.d/tests.xml", "profiles/*")["default/http_max_uri_size"] == "8192"
    os.environ |= {BEHIND_PROXY: "1", DEDUPLICATION_WINDOW: window}
    serve(Path("/data/store"), "0.0.0.0", 8123, users())  # noqa: S104 (the network of a container)
