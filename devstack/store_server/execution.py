"""Run one statement on a leased connection: an INSERT with its data, a query, or any other statement."""

from collections.abc import Generator

import msgspec

from devstack.store_server.engine import EngineConnection, ResultRows
from devstack.store_server.errors import EngineError
from devstack.store_server.request import Request
from devstack.store_server.statement import Statement

# The engine encodes a streamed result block by block; only in these formats do the blocks add up to one valid result.
_STREAMED_FORMATS = frozenset(
    "Native RowBinary TabSeparated TSV TabSeparatedRaw TSVRaw CSV JSONEachRow JSONLines NDJSON "
    "JSONCompactEachRow JSONStringsEachRow LineAsString".split()
)
_STREAMED_VERBS = frozenset({"SELECT", "WITH", "FROM"})
# A result up to this size is sent whole, so that its errors get a status and its counters a header.
_WHOLE_BYTES_MAX = 256 * 1024
_WAITED_BYTES_MAX = 8 * 1024 * 1024


class Result(msgspec.Struct):
    """The result of a statement: the first blocks and, if there are more, the source of the rest."""

    blocks: list[ResultRows]
    format: str
    summary: dict[str, str]
    rest: Generator[ResultRows, None, None] | None = None


def execute(connection: EngineConnection, request: Request, statement: Statement, sql: bytes, data_path: str) -> Result:
    """Run `sql` (its data, if any, is in the file `data_path`). Raises EngineError as the engine does."""
    connection.reusable = statement.reads or statement.verb == "INSERT"  # others may leave state (SET, USE, TEMPORARY)
    if statement.is_insert:
        # Data in the statement would silently end at the first newline.
        parts = (statement.target, f"FROM INFILE '{data_path}' COMPRESSION 'none'".encode(), statement.settings)
        from_file = b" ".join((*parts, b"FORMAT", statement.format.encode()))
        rows = connection.query(from_file, values=request.values)
        return Result([], "", rows.summary(written=True))
    if statement.reads:
        return _read(connection, request, statement, sql)
    rows = connection.query(sql, request.default_format, request.values)
    result_format = statement.format or request.default_format
    return Result([rows], result_format if rows.data else "", rows.summary(written=True))


def _read(connection: EngineConnection, request: Request, statement: Statement, sql: bytes) -> Result:
    result_format = statement.format or request.default_format
    if statement.verb in _STREAMED_VERBS and result_format in _STREAMED_FORMATS and not statement.totals:
        try:
            return _streamed(connection, request, sql, result_format)
        except EngineError as error:
            if not error.cannot_stream:
                raise
    rows = connection.query(sql, request.default_format, request.values)
    return Result([rows], result_format, rows.summary())


def _streamed(connection: EngineConnection, request: Request, sql: bytes, result_format: str) -> Result:
    enough = _WAITED_BYTES_MAX if request.wait_for_end else _WHOLE_BYTES_MAX
    blocks: list[ResultRows] = []
    size = 0
    stream = connection.stream(sql, request.default_format, request.values)
    for rows in stream:
        blocks.append(rows)
        size += len(rows.data)
        if size > enough:
            return Result(blocks, result_format, {}, stream)
    return Result(blocks, result_format, _sum(blocks))


def _sum(blocks: list[ResultRows]) -> dict[str, str]:
    """Return the counters of a streamed result: those of the result add up, those of the storage are totals."""
    if not blocks:
        return {"read_rows": "0", "read_bytes": "0", "result_rows": "0", "result_bytes": "0"}
    summary = blocks[-1].summary()
    for name in ("result_rows", "result_bytes"):
        summary[name] = str(sum(int(rows.summary()[name]) for rows in blocks))
    return summary
