"""Open chDB on one directory; no other module of the store server uses chDB."""

import fcntl
import threading
from collections.abc import Generator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devstack.store_server.errors import EngineError, StoreDirectoryInUse
from store.engine import load_engine

CONFIG = Path(__file__).with_name("engine_config.xml")
Buffer = bytes | bytearray | memoryview


class ResultRows:
    """A complete result: its bytes, without a copy, and the engine's counters."""

    def __init__(self, result: Any) -> None:
        self._result = result  # owns the memory of `data`

    @property
    def data(self) -> Buffer:
        return self._result.get_memview().view() if self._result.size() else b""

    def summary(self, written: bool = False) -> dict[str, str]:
        """Return the counters under the names of X-ClickHouse-Summary."""
        result = self._result
        return {
            "read_rows": str(result.storage_rows_read()),
            "read_bytes": str(result.storage_bytes_read()),
            "written_rows": str(result.rows_written() if written else 0),
            "written_bytes": str(result.bytes_written() if written else 0),
            "total_rows_to_read": "0",
            "result_rows": str(result.rows_written() if written else result.rows_read()),
            "result_bytes": str(result.bytes_written() if written else result.bytes_read()),
            "elapsed_ns": str(int(result.elapsed() * 1e9)),
        }


class EngineConnection:
    """One chDB connection. It runs one query at a time; another connection finds that query by its `mark`."""

    def __init__(self, opened: Any, mark: str) -> None:
        self._opened = opened
        self.mark = mark
        self.reusable = True

    def query(self, sql: bytes, format_: str = "TabSeparated", values: Mapping[str, str] | None = None) -> ResultRows:
        """Run a statement to its end. Raises EngineError."""
        try:
            return ResultRows(self._opened.query(sql, format_, params=dict(values or {})))
        except (RuntimeError, UnicodeDecodeError) as error:  # chDB decodes the text of an error
            raise EngineError(error) from None

    def stream(self, sql: bytes, format_: str, values: Mapping[str, str]) -> Generator[ResultRows, None, None]:
        """Run a SELECT and yield its result block by block; closing the generator cancels it. Raises EngineError."""
        try:
            with self._opened.send_query(sql, format_, params=dict(values)) as blocks:
                for block in blocks:
                    yield ResultRows(block)
        except RuntimeError as error:
            raise EngineError(error) from None

    def close(self) -> None:
        """Give the connection back to chDB."""
        self._opened.close()


class Engine:
    """chDB on one directory. Raises StoreDirectoryInUse if another process has it.

    `deduplication_window`, in blocks, is the default of MergeTree tables.
    """

    def __init__(self, path: Path, deduplication_window: int = 0) -> None:
        load_engine()  # here, since it takes a quarter of a second
        import chdb

        self._connect = chdb.connect
        path.mkdir(parents=True, exist_ok=True)
        _refuse_if_in_use(path)
        config = _configured(path / "config", deduplication_window)
        self._source = f"{path.resolve()}?config-file={quote(str(config))}"
        self._opened = 0
        self._own_lock = threading.Lock()
        self._own = self.connect()
        self.version, self.timezone = bytes(self._own.query(b"SELECT version(), timezone()").data).decode().split()

    def name_of(self, code: int) -> str:
        """Return the name of an error code."""
        with self._own_lock:
            return bytes(self._own.query(f"SELECT errorCodeToName({code})".encode()).data).decode().strip()

    def connect(self) -> EngineConnection:
        """Open another connection; it costs 0.2 ms."""
        with self._own_lock:
            self._opened += 1
            mark = f"store-server-{self._opened}"
        try:
            connection = EngineConnection(self._connect(self._source), mark)
        except RuntimeError as error:
            raise EngineError(error) from None
        connection.query(f"SET log_comment = '{mark}'".encode())
        return connection

    def stop_queries(self, marks: str = "store-server-%") -> None:
        """End the queries of the connections whose mark matches a LIKE pattern; by default, of all connections."""
        with self._own_lock:
            self._own.query(f"KILL QUERY WHERE Settings['log_comment'] LIKE '{marks}' ASYNC FORMAT Null".encode())

    def close(self) -> None:
        """Close the engine's own connection; with the last one chDB closes the directory."""
        self._own.close()


def _refuse_if_in_use(path: Path) -> None:
    """Raise StoreDirectoryInUse if it is: the engine locks `status`, but names the holder only on stderr."""
    status = path / "status"
    if not status.exists():
        return
    with status.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.readline().decode(errors="replace").strip() or "PID unknown"
            message = (
                f"The store directory {path} is in use by another process ({holder}), and a store directory has one "
                "owner. Stop that process, or connect to the store server it runs, or choose another directory."
            )
            raise StoreDirectoryInUse(message) from None


def engine_files() -> list[Path]:
    """Return what loading the engine reads: its configuration, and the folder of packages that holds chDB."""
    found = find_spec("chdb")
    return [CONFIG, Path(found.origin).parents[1]] if found and found.origin else [CONFIG]


def _configured(folder: Path, deduplication_window: int) -> Path:
    """Return the path of the configuration: the shipped one, or with a window one that is written into ``folder``."""
    if not deduplication_window:
        return CONFIG
    folder.mkdir(exist_ok=True)
    config = folder / CONFIG.name
    name = "non_replicated_deduplication_window"
    window = f"<merge_tree><{name}>{deduplication_window}</{name}></merge_tree>"
    config.write_text(CONFIG.read_text().replace("</clickhouse>", f"{window}</clickhouse>"))
    return config
