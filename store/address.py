"""Where a store is: a value, made from the settings by `runtime.store_url`."""

from typing import Any

from msgspec import Struct

CONTROL_DATABASE = "crewkit"


class StoreAddress(Struct, frozen=True):
    """``options`` are those of `clickhouse_connect.get_client`; ``control`` is the database that lists generations."""

    options: dict[str, Any]
    control: str = CONTROL_DATABASE

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process, on a folder, instead of in a server."""
        return "host" not in self.options

    def database(self, generation: str) -> str:
        """Return the name of a generation's database."""
        return f"{self.control}_{generation}"

    def at(self, database: str) -> dict[str, Any]:
        """Return the options of a client whose current database is ``database``."""
        return {**self.options, "database": database}
