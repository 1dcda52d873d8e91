"""Run `up` with a socket to its tables, since no other process can open them while it runs.

`python -m tests.support.rigs.up_with_sql_socket DATA PORT` runs the same as `crewkit-sessions up`, and a thread that
executes the statements that arrive at the socket DATA/tables.
"""

import sys
import threading
from collections.abc import Iterable
from contextlib import closing
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

import clickhouse_connect

from cli.main import main
from runtime.settings.settings import load_settings
from runtime.settings.store_url import parse_store_url
from store.address import StoreAddress
from store.generations import FIRST_GENERATION


class Tables:
    """Runs statements on the tables of a generation."""

    def __init__(self, address: StoreAddress, generation: str = FIRST_GENERATION) -> None:
        self._options = address.at(address.database(generation))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement; return the rows of a query."""
        with closing(clickhouse_connect.get_client(**self._options)) as client:
            return [tuple(row) for row in client.query(statement).result_rows]

    def run_all(self, statements: Iterable[str]) -> None:
        """Run statements that return nothing, over one connection."""
        with closing(clickhouse_connect.get_client(**self._options)) as client:
            for statement in statements:
                client.command(statement)


def run_over_socket(data: Path, statement: str, generation: str = FIRST_GENERATION) -> list[tuple[Any, ...]]:
    """Call `Tables.run` in the process that serves ``data``."""
    with Client(str(_socket(data))) as caller:
        caller.send((generation, statement))
        found: list[tuple[Any, ...]] = caller.recv()
    return found


def _serve(data: Path) -> None:
    address = parse_store_url(load_settings({"data": str(data)}).store)
    _socket(data).unlink(missing_ok=True)  # left by the previous process
    with Listener(str(_socket(data))) as listener:
        while True:
            with listener.accept() as caller:
                generation, statement = caller.recv()
                caller.send(Tables(address, generation).run(statement))


def _socket(data: Path) -> Path:
    return data / "tables"


if __name__ == "__main__":
    folder, port = sys.argv[1:]
    threading.Thread(target=_serve, args=(Path(folder),), daemon=True).start()
    sys.argv = ["crewkit-sessions", "up", "--data", folder, "--port", port]
    main()
