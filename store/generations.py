"""Generations: each is one set of derived tables, in its own database."""

from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from store.address import StoreAddress

FIRST_GENERATION = "g1"


class Generation(NamedTuple):
    """A generation. Its log has a fixed number of ``partitions`` (0: not known).

    The other fields say what it is made with: other code, or another price history, must not write to it. Readers do
    not need them and leave them out.
    """

    name: str
    partitions: int
    fold_version: int = 0
    prices_sha256: str = ""
    made_us: int = 0  # microseconds since 1970, by the store's clock


def created_generations(client: Client) -> list[Generation]:
    """Return every generation that was created, the oldest first, with its name and partitions."""
    found = client.query("SELECT name, partitions FROM generations WHERE event = 'created' ORDER BY at").result_rows
    return [Generation(*row) for row in found]


def create_generation(client: Client, store: StoreAddress, made: Generation) -> None:
    """Record a generation whose tables exist, and make it live. ``client`` is on the control database."""
    client.command(
        "INSERT INTO {database:Identifier}.progress (log_partition, projected, log_end, complete_through)"
        " SELECT number, 0, 0, 0 FROM numbers({partitions:UInt16})",
        parameters={"database": store.database(made.name), "partitions": made.partitions},
    )
    for event in ("created", "live"):
        client.command(
            "INSERT INTO generations (name, event, fold_version, prices_sha256, partitions)"
            " SELECT {name:String}, {event:String}, {fold_version:UInt32}, {prices_sha256:String}, {partitions:UInt16}",
            parameters={**made._asdict(), "event": event},
        )
