"""The in-process engine does not gain a hundred threads when a table is dropped."""

import subprocess
import sys
from pathlib import Path

DROP = """
import os, sys, clickhouse_connect
from runtime.settings.settings import load_settings
from runtime.settings.store_url import parse_store_url

client = clickhouse_connect.get_client(**parse_store_url(load_settings({"data": sys.argv[1]}).store).options)
client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a PARTITION BY a")
client.command("SYSTEM STOP MERGES t")
for _ in range(2):
    client.command("INSERT INTO t SELECT number FROM numbers(90)")
before = len(os.listdir("/proc/self/task"))
client.command("DROP TABLE t SYNC")
print(len(os.listdir("/proc/self/task")) - before)
"""


def test_a_table_of_many_parts_is_dropped_by_few_threads(tmp_path: Path) -> None:
    """A replay makes such tables, and the engine keeps every thread that it has started."""
    done = subprocess.run(
        [sys.executable, "-c", DROP, str(tmp_path)], check=True, capture_output=True, text=True, timeout=120
    )

    assert int(done.stdout) < 16
