"""`provision` on a store that we did not set up."""

from typing import Any

import clickhouse_connect
import pytest

from store import connect as connecting
from tests.support.rigs.store import Options, new_address, new_store


def test_databases_have_the_engine_of_the_server(engine: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """Managed services refuse a statement with an engine; elsewhere the default is Atomic."""
    said: list[str] = []
    connect = clickhouse_connect.get_client

    def listening(**options: Any) -> Any:
        client = connect(**options)
        command = client.command
        client.command = lambda sql, *rest, **named: (said.append(sql), command(sql, *rest, **named))[1]
        return client

    monkeypatch.setattr(connecting.clickhouse_connect, "get_client", listening)

    for store in new_store(new_address(engine)):
        engines = store.rows(
            "SELECT DISTINCT engine FROM system.databases WHERE startsWith(name, {name:String})",
            name=store.address.control,
        )

    made = [sql for sql in said if "CREATE DATABASE" in sql]
    assert len(made) == 2
    assert not any("ENGINE" in sql for sql in made)
    assert engines == [{"engine": "Atomic"}]
