"""The address of a store. `runtime.settings.store_url` builds it from the settings."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from store.replicas import Replicas

CONTROL_DATABASE = "crewkit"


class StoreAddress(Struct, frozen=True):
    """``options`` are those of `store.connect.connect`; ``control`` is the database that lists generations."""

    options: dict[str, Any]
    control: str = CONTROL_DATABASE

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process, on a folder, instead of in a server."""
        return "host" not in self.options

    @property
    def replicas(self) -> Replicas | None:
        return self.options.get("replicas")

    def database(self, generation: str) -> str:
        return f"{self.control}_{generation}"

    def at(self, database: str) -> dict[str, Any]:
        """Return the options of a client whose current database is ``database``."""
        return {**self.options, "database": database}

    def each(self) -> Iterator["StoreAddress"]:
        """Yield one address for each server."""
        hosts = self.replicas.hosts if self.replicas else ()
        options = {name: value for name, value in self.options.items() if name != "replicas"}
        for host in hosts:
            yield replace(self, options={**options, "host": host.name, "port": host.port})
        if not hosts:
            yield self
