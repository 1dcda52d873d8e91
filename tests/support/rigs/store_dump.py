"""Every row of every table of a store, as JSON: `python -m tests.support.rigs.store_dump STORE_URL`.

It runs in a separate process, since a process can open only one embedded store.
"""

import sys

import clickhouse_connect

from runtime.settings.store_url import parse_store_url

TABLES = """
SELECT concat(database, '.', name)
FROM system.tables
WHERE startsWith(database, 'crewkit') AND endsWith(engine, 'MergeTree')
"""


def dump(url: str) -> None:
    """Write all rows to standard output."""
    client = clickhouse_connect.get_client(**parse_store_url(url).options)
    for (table,) in client.query(TABLES).result_rows:
        sys.stdout.buffer.write(table.encode() + b"\n" + client.raw_query(f"SELECT * FROM {table}", fmt="JSONEachRow"))


if __name__ == "__main__":
    dump(sys.argv[1])
