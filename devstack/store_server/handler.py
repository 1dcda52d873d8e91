"""Serve one HTTP connection: read requests, authenticate users, run statements, reply."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from devstack.store_server.body import RequestBody, as_file
from devstack.store_server.conditions import HANG_UP, RefusedStatement
from devstack.store_server.engine import Buffer
from devstack.store_server.errors import Code, StoreError
from devstack.store_server.execution import Result, execute
from devstack.store_server.pool import UserProfile
from devstack.store_server.replies import StatementReply
from devstack.store_server.request import (
    LINE_BYTES_MAX,
    PROXY_LINE_BYTES_MAX,
    URL_BYTES_MAX,
    Request,
    form_boundary,
    parse_form,
    parse_params,
    parse_request,
)
from devstack.store_server.statement import Statement, parse_statement
from devstack.store_server.users import READS_AS_IT_IS

if TYPE_CHECKING:
    from devstack.store_server.server import StoreHttpServer

logger = logging.getLogger(__name__)

_HEAD_BYTES = 64 * 1024
_STATEMENT_BYTES_MAX = 16 * 1024 * 1024
_SKIP_BYTES_MAX = 64 * 1024 * 1024
_PROXY_REFUSAL = b"<html><head><title>414 Request-URI Too Large</title></head></html>\r\n"


class Asked(NamedTuple):
    """One statement and the rights it runs with; its data are in the file `data`."""

    request: Request
    statement: Statement
    sql: bytes
    data: str
    readonly: int
    refused: RefusedStatement | None

    @property
    def profile(self) -> UserProfile:
        """The profile of the connection that it needs."""
        request = self.request
        transport = request.of_transport if self.readonly == READS_AS_IT_IS else ()
        return UserProfile(self.readonly, request.database, (*request.settings, *transport))


class StoreHandler(BaseHTTPRequestHandler):
    """Speaks ClickHouse's HTTP interface with one client until the client hangs up."""

    server: "StoreHttpServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a reply is often two packets; a wait between them costs 40 ms
    rbufsize = _HEAD_BYTES
    timeout = 300.0  # for a client that neither sends nor reads

    def handle_one_request(self) -> None:
        """Do what http.server does, with another bound for the first line."""
        try:
            self.raw_requestline = self.rfile.readline(LINE_BYTES_MAX + 1)
            if not self.raw_requestline.endswith(b"\n"):
                self.close_connection = True
                if len(self.raw_requestline) > LINE_BYTES_MAX:
                    StatementReply(self.wfile, keep_alive=False).whole([], HTTPStatus.BAD_REQUEST)
            elif self.parse_request():
                if self.command in ("GET", "POST"):
                    self._serve()
                else:
                    self.send_error(HTTPStatus.NOT_IMPLEMENTED, f"Unsupported method ({self.command!r})")
        except TimeoutError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's signature)
        """Log nothing: the request line may hold a password."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 (same)
        """Send an error of http.server in ClickHouse's form."""
        self.close_connection = True
        error = StoreError(Code.BAD_ARGUMENTS, f"{message or 'The request cannot be read'}", code)
        StatementReply(self.wfile, keep_alive=False).error(error, self.server.engine.version)

    def _serve(self) -> None:
        with self.server.in_flight():
            self.close_connection = self.close_connection or self.server.stopping
            reply = StatementReply(self.wfile, keep_alive=not self.close_connection)
            try:
                self._respond(reply)
            except StoreError as error:
                self._fail(reply, error)
            except (ConnectionError, TimeoutError):
                self.close_connection = True
            except Exception:
                logger.exception("a request failed in an unexpected way")
                self._fail(reply, StoreError(Code.UNKNOWN_EXCEPTION, "The store server failed; its log says more"))

    def _fail(self, reply: StatementReply, error: StoreError) -> None:
        if reply.started:
            self.close_connection = True
            return
        if self.close_connection:
            reply.header("Connection", "close")
        try:
            reply.error(error, self.server.engine.version)
        except OSError:
            self.close_connection = True

    def _respond(self, reply: StatementReply) -> None:
        path, _, query_string = self.path.partition("?")
        body = self._body()
        try:
            if refused := self._refused_by_length():
                self.close_connection = True
                reply.header("Connection", "close")
                reply.whole(*refused)
            elif path == "/ping":
                reply.whole([b"Ok.\n"])
            elif path == "/":
                self._answer(reply, query_string, body)
            else:
                reply.whole([b"There is no such path; queries go to /, and /ping says whether the server runs.\n"], 404)
        finally:
            # The client would send the unread rest as its next request.
            self.close_connection = not body.skip(_SKIP_BYTES_MAX) or self.close_connection

    def _refused_by_length(self) -> tuple[list[bytes], int] | None:
        """Return body and status for a URL that is too long: ClickHouse sends an empty 400, a proxy 414."""
        if self.server.conditions.behind_proxy and len(self.raw_requestline) > PROXY_LINE_BYTES_MAX:
            return [_PROXY_REFUSAL], HTTPStatus.REQUEST_URI_TOO_LONG
        return ([], HTTPStatus.BAD_REQUEST) if len(self.path) > URL_BYTES_MAX else None

    def _body(self) -> RequestBody:
        try:
            return RequestBody(self.rfile, cast("dict[str, str]", self.headers))
        except StoreError:
            self.close_connection = True
            raise

    def _answer(self, reply: StatementReply, query_string: str, body: RequestBody) -> None:
        headers = cast("dict[str, str]", self.headers)
        params = parse_params(query_string)
        user = self.server.users.authenticate(headers, params)
        if boundary := form_boundary(headers):
            params |= parse_form(body.read_up_to(_STATEMENT_BYTES_MAX), boundary)
        request = parse_request(params, headers)
        sql, statement = _read_statement(request.query, body)
        with ExitStack() as held:
            # The body is read before a connection is leased: a slow client must not hold one.
            data = held.enter_context(as_file(sql[statement.data_at :], body)) if statement.is_insert else ""
            refused = self.server.conditions.refusals.next(sql[: statement.data_at], params)
            into = statement.into if len(statement.into) > 1 else (request.database, *statement.into)
            readonly = self.server.users.readonly(user, self.command == "GET", into)
            self._run(reply, Asked(request, statement, sql, data, readonly, refused))

    def _run(self, reply: StatementReply, asked: Asked) -> None:
        request, refused = asked.request, asked.refused
        # The engine knows only one user, and lets a user stop their own queries despite `readonly`.
        if asked.readonly and asked.statement.verb == "KILL":
            raise StoreError(Code.READONLY, "Cannot execute query in readonly mode.")
        if refused and not refused.refusal.applied:
            raise self._error(refused)
        with ExitStack() as held:
            connection = held.enter_context(self.server.pool.lease(asked.profile))
            if asked.statement.reads:  # an insert that has arrived continues without its client
                held.enter_context(self.server.watch(self.connection, connection.mark))
            result = execute(connection, request, asked.statement, asked.sql, asked.data)
            if result.rest is not None:
                held.enter_context(closing(result.rest))  # a client that disconnects halfway cancels the query
            if refused:
                raise self._error(refused)
            self._describe(reply, request, result)
            if result.rest is not None:
                reply.chunked(_release_as_sent(result))
        if result.rest is None:  # its connection is free for others while it is sent
            reply.whole(rows.data for rows in result.blocks)

    def _error(self, refused: RefusedStatement) -> Exception:
        if refused.code == HANG_UP:
            return ConnectionAbortedError("hung up on demand")
        name = self.server.engine.name_of(refused.code)
        text = f"Code: {refused.code}. DB::Exception: {refused.refusal.words} ({name})"
        return StoreError(refused.code, text, refused.refusal.status, whole=True)

    def _describe(self, reply: StatementReply, request: Request, result: Result) -> None:
        reply.header("X-ClickHouse-Query-Id", request.query_id)
        reply.header("X-ClickHouse-Server-Display-Name", socket.gethostname())
        reply.header(
            "X-ClickHouse-Timezone", dict(request.settings).get("session_timezone") or self.server.engine.timezone
        )
        reply.header("X-ClickHouse-Summary", json.dumps(result.summary))
        if result.format:
            reply.header("X-ClickHouse-Format", result.format)
        reply.header("Content-Type", "application/octet-stream")


def _release_as_sent(result: Result) -> Iterator[Buffer]:
    """Yield the blocks of a result; free each one after it was sent."""
    blocks, result.blocks = iter(result.blocks), []
    for rows in chain(blocks, result.rest or ()):
        yield rows.data


def _read_statement(query: bytes, body: RequestBody) -> tuple[bytes, Statement]:
    """Return the SQL: `?query=`, then the body. Only the beginning of an INSERT is read."""
    head = body.read_up_to(_HEAD_BYTES)
    sql = query.rstrip() + b"\n" + head if query and head else query or head
    statement = parse_statement(sql)
    if not statement.is_insert and len(head) == _HEAD_BYTES:
        sql += body.read_up_to(_STATEMENT_BYTES_MAX)
        statement = parse_statement(sql)
    if not sql.strip():
        raise StoreError(Code.SYNTAX_ERROR, "Empty query")
    return sql, statement
