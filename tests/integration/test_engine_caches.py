"""One limit covers all caches of the engine."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.store_server import engine
from runtime.settings.settings import ENGINE_CACHE_BYTES_MAX

# A process opens one engine only, so this runs in another process.
SHOW = """
import json, sys, clickhouse_connect
from runtime.settings.settings import load_settings
from runtime.settings.store_url import parse_store_url

client = clickhouse_connect.get_client(**parse_store_url(load_settings({"data": sys.argv[1]}).store).options)
print(json.dumps(dict(client.query("SELECT name, toUInt64OrZero(value) FROM system.server_settings").result_rows)))
"""
OF_OTHER_TABLES = {  # for formats, engines and indexes that we do not use
    "iceberg_metadata_files_cache_size",
    "parquet_metadata_cache_size",
    "vector_similarity_index_cache_size",
    "unique_key_index_cache_size_bytes",
}
OF_ENTRIES = 1 << 16  # a smaller size is a number of entries


def sizes_of(settings: dict[str, int]) -> dict[str, int]:
    """Return the caches that our tables fill, and their size limits in bytes."""
    return {
        name: size
        for name, size in settings.items()
        if name.endswith(("_cache_size", "_cache_size_bytes")) and name not in OF_OTHER_TABLES and size > OF_ENTRIES
    }


@pytest.mark.parametrize("given", [None, 16 << 20])
def test_the_caches_of_the_engine_share_one_bound(given: int | None, tmp_path: Path) -> None:
    """The engine reports equal parts of the setting or its default; no cache of a new version is left out."""
    if given:
        (tmp_path / "settings.toml").write_text(f"engine_cache_bytes_max = {given}")

    shown = subprocess.run([sys.executable, "-c", SHOW, str(tmp_path)], check=True, capture_output=True, timeout=120)

    sizes = sizes_of(json.loads(shown.stdout))
    assert len(sizes) == 8
    assert sum(sizes.values()) == (given or ENGINE_CACHE_BYTES_MAX)


def test_the_store_server_has_the_default_bound() -> None:
    """Its configuration limits the same caches."""
    sizes = dict(re.findall(r"<(\w+_cache_size)>(\d+)<", engine.CONFIG.read_text()))

    assert len(sizes) == 8
    assert sum(map(int, sizes.values())) == ENGINE_CACHE_BYTES_MAX
