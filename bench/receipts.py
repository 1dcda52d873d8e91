"""Sums up the receipts of a run: `python -m bench.receipts STORE_URL` prints them as JSON.

It runs in its own process because an embedded store belongs to one process at a time.
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
    toUnixTimestamp64Milli(min(stored_at)) AS first_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_ms,
    sumIf(facts, stored_at > (SELECT min(stored_at) FROM receipts)) AS later,
    uniqExact(stored_at) AS batches
FROM receipts FINAL
"""


class Receipts(Struct, frozen=True):
    """Totals of all receipts. ``later`` counts the facts of all batches except the first."""

    records: int
    first_ms: int
    last_ms: int
    later: int
    batches: int
    events: int

    @property
    def rate(self) -> float:
        """Facts a second, from the end of the first batch to the end of the last batch."""
        return self.later * 1000 / max(1, self.last_ms - self.first_ms)


def read_receipts(store_url: str) -> Receipts:
    """Read them in another process. Raises `subprocess.CalledProcessError`."""
    command = [sys.executable, "-m", "bench.receipts", store_url]
    out = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout
    return msgspec.json.decode(out, type=Receipts)


def main(store_url: str) -> None:
    """Print the receipts of generation g1."""
    store = parse_store_url(store_url)
    client = clickhouse_connect.get_client(**store.at(store.database("g1")))
    totals = client.query(_SQL).first_item
    events = client.query("SELECT count() FROM facts FINAL WHERE kind = 'events_recorded'").result_rows[0][0]
    sys.stdout.buffer.write(msgspec.json.encode(Receipts(**totals, events=events)))


if __name__ == "__main__":
    main(sys.argv[1])
