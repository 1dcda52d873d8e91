"""What the store's own receipts say about a run: `python -m bench.receipts STORE_URL` prints it as JSON.

In a process of its own, because an embedded store belongs to one process at a time.
"""

import subprocess
import sys

import clickhouse_connect
import msgspec
from msgspec import Struct

from runtime.store_url import parse_store_url

_SQL = """
SELECT
    count() AS records,
    sum(added) AS added,
    toUnixTimestamp64Milli(min(stored_at)) AS first_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_ms,
    sumIf(facts, stored_at > (SELECT min(stored_at) FROM receipts)) AS later,
    uniqExact(stored_at) AS batches
FROM receipts FINAL
"""


class Receipts(Struct, frozen=True):
    """``later`` are the facts whose receipts came after the first batch's, between ``first_ms`` and ``last_ms``."""

    records: int
    added: int
    first_ms: int
    last_ms: int
    later: int
    batches: int
    events: int

    @property
    def rate(self) -> float:
        """Facts a second, from the end of the first batch to the end of the last."""
        return self.later * 1000 / max(1, self.last_ms - self.first_ms)


def read_receipts(store_url: str) -> Receipts:
    """Ask the store in a process of its own. Raises `subprocess.CalledProcessError`."""
    command = [sys.executable, "-m", "bench.receipts", store_url]
    out = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout
    return msgspec.json.decode(out, type=Receipts)


def main(store_url: str) -> None:
    """Print the receipts of generation g1."""
    store = parse_store_url(store_url)
    client = clickhouse_connect.get_client(**store.at(store.database("g1")))
    found = client.query(_SQL).first_item
    events = client.query("SELECT count() FROM facts FINAL WHERE kind = 'events_recorded'").result_rows[0][0]
    sys.stdout.buffer.write(msgspec.json.encode(Receipts(**found, events=events)))


if __name__ == "__main__":
    main(sys.argv[1])
