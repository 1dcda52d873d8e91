"""`STORE_URL`: where the store is. ``chdb:///dir`` or ``clickhouse://user:password@host:port/database``."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from deploy.settings import BadSettings

CONTROL_DATABASE = "crewkit"
ENGINE_CONFIG = Path(__file__).with_name("embedded_engine.xml")


class StoreAddress(Struct, frozen=True):
    """``options`` are those of `clickhouse_connect.get_client`; ``control`` is the database that lists generations."""

    options: dict[str, Any]
    control: str = CONTROL_DATABASE

    def database(self, generation: str) -> str:
        """The database of one generation."""
        return f"{self.control}_{generation}"

    def at(self, database: str) -> dict[str, Any]:
        """Options of a client whose current database is ``database``."""
        return {**self.options, "database": database}


def parse_store_url(url: str) -> StoreAddress:
    """Read a store URL.

    Raises:
        BadSettings: with what is wrong and an example.
    """
    parts = urlsplit(url)
    if parts.scheme == "chdb" and not parts.netloc and parts.path not in ("", "/"):
        folder = Path(parts.path).absolute()
        return StoreAddress({"interface": "chdb", "path": f"{folder}?config-file={quote(str(ENGINE_CONFIG))}"})
    if parts.scheme == "clickhouse" and parts.hostname:
        options = {
            "host": parts.hostname,
            "port": parts.port or 8123,
            "username": unquote(parts.username or "default"),
            "password": unquote(parts.password or ""),
        }
        return StoreAddress(options, parts.path.strip("/") or CONTROL_DATABASE)
    raise BadSettings("STORE_URL is chdb:///absolute/folder or clickhouse://user:password@host:port/database")
