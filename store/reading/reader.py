"""Reads the store: a port, and its adapter over ClickHouse's client (for a server or the in-process engine).

Each question is one SQL file. The server binds its parameters. It runs within fixed limits, against the database of one
generation or the control database.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, LifoQueue
from time import monotonic
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog
from clickhouse_connect.driver.client import Client

from store.address import CONTROL_DATABASE, StoreAddress
from store.client_errors import STORE_ERRORS, sentence_of_refusal, verdict_of_error
from store.codes import Verdict
from store.connect import READ, SNAPSHOT, check_version, connect
from store.errors import StoreUnavailable
from store.generations import Generation
from store.reading.errors import AnswerTooLarge, ReadRefused
from store.reading.fairness import FairTurns, StoreTime
from store.reading.guard import GUARD
from store.reading.profile import OVERFLOW, PROFILE_SQL, ProfileSetting, fit_limits, untunable
from store.reading.question import LIVE_GENERATION, P, Question, R
from store.reading.statements import TUNING, names_of_absent, statement_untuned, statement_without
from store.replicas import Replicas, catch_up_all, is_claim

logger = structlog.get_logger()
POOL_SIZE = 5  # four for orgs (at most three for one org), and one for the service itself
RESERVED = 1
ANSWER_WITHIN_S = 15.0  # including the time in the queue for a client
CONNECT_WITHIN_S = 2
PROBE_WITHIN_S = 2.0  # then a probe that hangs makes room for the next one
CHECK_WITHIN_S = 5.0  # at the start, which must not wait long for an unreachable store
CONVERTED_AT_ONCE = 1_000  # rows
LIVE_FOR_S = 0.5  # how long the live generation is cached: readers follow a switch within a second

LIMITS: Mapping[str, object] = {
    "max_execution_time": 10,
    "max_memory_usage": 2 << 30,
    "max_result_rows": 200_000,
    SNAPSHOT: 1,  # all parts of one question read the same state of a table
}
FORMATS: Mapping[str, Any] = {
    "query_formats": {"Tuple": "tuple"},
    "column_formats": {"data": "bytes", "parsed": "bytes", "words": "bytes"},  # payloads, and what was read from them
}
REFUSAL_LOGGED_EVERY_S = 10.0
_INSERT = re.compile(r"^INSERT INTO (\w+)", re.MULTILINE)

Row = dict[str, Any]
ClientFactory = Callable[[], Client]
OnAsked = Callable[[str, float, Exception | None], None]  # the question, the seconds it took, and why it failed


class Allowed(NamedTuple):
    """What our user's profile allows: the limits to send with a question, and the settings to drop from its text."""

    settings: Mapping[str, object]
    untunable: frozenset[str]


class Reader(Protocol):
    """Reads the store. Every call may raise `StoreUnavailable`; a query also `AnswerTooLarge` or `StoreTimeUsed`."""

    async def live(self) -> Generation:
        """Return the live generation, as of at most half a second ago."""

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        """Return the rows that the SQL file ``name`` finds in one generation (see `Question`)."""

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        """Return the rows that the SQL file ``name`` finds in the control database."""


async def answer(reader: Reader, generation: Generation, question: Question[P, R], params: P) -> list[R]:
    """Return the rows that answer a question in one generation."""
    return await _rows(question, await reader.query(generation, question.name, msgspec.structs.asdict(params)))


async def answer_from_control(reader: Reader, question: Question[P, R], params: P) -> list[R]:
    """Return the rows that answer a question in the control database."""
    return await _rows(question, await reader.control(question.name, msgspec.structs.asdict(params)))


class GenerationReader(NamedTuple):
    """One generation, as `store.reading.question.Asks`."""

    reader: Reader
    generation: Generation

    @property
    def name(self) -> str:
        return self.generation.name

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        return await answer(self.reader, self.generation, question, params)


async def _rows(question: Question[P, R], found: Sequence[Row]) -> list[R]:
    """Convert the rows, in a thread if there are many: 1,000 take some milliseconds."""
    if len(found) > CONVERTED_AT_ONCE:
        return await asyncio.to_thread(_convert, question, found)
    return _convert(question, found)


def _convert(question: Question[P, R], found: Sequence[Row]) -> list[R]:
    try:
        return msgspec.convert(found, list[question.row])  # type: ignore[name-defined]  # a type known at run time
    except msgspec.ValidationError as error:  # our bug, not the client's
        raise TypeError(f"{question.name}.sql gives other rows than {question.row.__name__}: {error}") from error


class ClickHouseReader:
    """`Reader` over a small pool of synchronous clients, each used by one thread at a time. Orgs share it fairly."""

    def __init__(
        self,
        make_client: ClientFactory,
        base: str = CONTROL_DATABASE,
        pool_size: int = POOL_SIZE,
        live_for_s: float = LIVE_FOR_S,
        store_time: StoreTime | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        """Create a reader; ``replicas`` are those among which ``make_client`` chooses, if any."""
        self._make_client, self._replicas = make_client, replicas
        self._caught_up: dict[str, int] = {}  # by database: the replica that has caught up, by its number of changes
        self._base = base
        self._live_for_s = live_for_s
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="reader")
        reserved = RESERVED if pool_size > RESERVED + 1 else 0
        self.turns = FairTurns(pool_size, max(1, pool_size - reserved - 1), reserved)
        self._store_time = store_time or StoreTime()
        self._idle: LifoQueue[Lent] = LifoQueue()
        self._live: tuple[float, Generation] | None = None
        self.on_asked: OnAsked = lambda _question, _seconds, _error: None
        self._refusal_logged = -REFUSAL_LOGGED_EVERY_S
        self._allowed: Allowed | None = None  # read on the first connection, and again after a refusal

    async def live(self) -> Generation:
        if self._live is None or monotonic() - self._live[0] > self._live_for_s:
            asked_at = monotonic()
            found = await self.control(LIVE_GENERATION.name, {})
            if not found:
                raise StoreUnavailable("no generation is live")
            self._live = asked_at, Generation(**found[0])
        return self._live[1]

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        """Return the rows that the file finds in the database ``<base>_<generation>``, taking turns with other orgs."""
        return await self._run(f"{self._base}_{generation.name}", name, params, str(params.get("org_id", "")))

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return await self._run(self._base, name, params, str(params.get("org_id", "")))

    async def check(self) -> None:
        """Ask one question, to find out what the store refuses before the first request does.

        Raises `ReadRefused`, which says what to change, or `StoreUnavailable`: the store is away or not provisioned.
        """
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                await self.query(await self.live(), "query_api.progress", {})
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {CHECK_WITHIN_S:.0f} s") from error

    def close(self) -> None:
        """Wait for the questions in progress and close every client."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        with suppress(Empty):
            while True:
                self._idle.get_nowait().client.close()

    async def _run(self, database: str, name: str, params: Mapping[str, object], asker: str = "") -> list[Row]:
        self._store_time.check(asker)
        began = monotonic()
        try:
            rows = await self._in_turn(database, name, params, asker)
        except Exception as error:
            self.on_asked(name, monotonic() - began, error)
            raise
        self.on_asked(name, monotonic() - began, None)
        return rows

    async def _in_turn(self, database: str, name: str, params: Mapping[str, object], asker: str) -> list[Row]:
        sql = statement_without(name, names_of_absent(params))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self.turns.take(asker)
                return await asyncio.wrap_future(self._begin(asker, database, sql, params))
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {ANSWER_WITHIN_S:.0f} s") from error

    def _begin(self, asker: str, database: str, sql: str, params: Mapping[str, object]) -> "Future[list[Row]]":
        """Ask in a thread. The turn ends when the thread is free again, even if the request is cancelled earlier."""
        loop = asyncio.get_running_loop()
        try:
            answer = self._threads.submit(self._ask, database, sql, params)
        except RuntimeError as error:  # the executor accepts no work after `close`
            self.turns.give_back(asker)
            raise StoreUnavailable("the reader is closed") from error
        began = monotonic()
        answer.add_done_callback(lambda _: loop.call_soon_threadsafe(self._end, asker, began))
        return answer

    def _end(self, asker: str, began: float) -> None:
        self._store_time.spend(asker, monotonic() - began)
        self.turns.give_back(asker)

    def _ask(self, database: str, sql: str, params: Mapping[str, object]) -> list[Row]:
        """Ask one question with one client, which goes back to the pool unless it may be broken."""
        client = lent = None
        try:
            lent = self._lend()
            client = lent.client
            if self._replicas and self._caught_up.get(database) != lent.replica:
                catch_up_all(client, database)  # a new replica must show everything that the previous one did
                self._caught_up[database] = lent.replica
            allowed = self._allowed = self._allowed or _ask_what_is_allowed(client)
            client.database = database
            if allowed.untunable:
                sql = statement_untuned(sql, allowed.untunable)
            answer = client.query(sql, dict(params), settings=dict(allowed.settings), **FORMATS)
            rows = list(answer.named_results())
            if self._replicas and is_claim(sql):
                catch_up_all(client, database)  # the next question must see what this answer claims
        except (*STORE_ERRORS, ReadRefused) as error:
            if client is not None:
                client.close()
            raise self._failed(error, _right_to_insert(sql, database)) from error
        self._idle.put(lent)
        return rows

    def _failed(self, error: Exception, right: str) -> Exception:
        """Return the error for the caller. A refusal is also logged, since only an operator can fix it.

        ``right`` is the one that an INSERT needs: the refusal of a profile that forbids every INSERT does not name it.
        """
        text, verdict = str(error), _verdict(error)
        if verdict is Verdict.TOO_LARGE:
            return AnswerTooLarge(text)
        if verdict is Verdict.REFUSED:
            self._allowed = None  # the profile may have been changed
            sentence = text if isinstance(error, ReadRefused) else sentence_of_refusal(error)
            sentence += f" (needed here: {right})" if right and "INSERT" not in sentence else ""
            if monotonic() - self._refusal_logged > REFUSAL_LOGGED_EVERY_S:
                self._refusal_logged = monotonic()
                logger.error("store_refuses", error=sentence)
            return ReadRefused(sentence)
        return StoreUnavailable(text) if is_outage(error) else error

    def _lend(self) -> "Lent":
        with suppress(Empty):
            while True:
                lent = self._idle.get_nowait()
                if lent.replica == self._replica():
                    return lent
                lent.client.close()
        while True:
            replica, client = self._replica(), self._make_client()
            if replica == self._replica():
                return Lent(client, replica)
            client.close()  # meanwhile this or another thread switched replicas

    def _replica(self) -> int:
        return self._replicas.changes if self._replicas else 0


class Lent(NamedTuple):
    """A client and its replica, identified by the number of switches before it."""

    client: Client
    replica: int


def open_reader(store: StoreAddress, store_time: StoreTime | None = None) -> ClickHouseReader:
    """Return a reader of the live generation; it connects on its first question."""
    make = _maker(store, ANSWER_WITHIN_S)
    return ClickHouseReader(make, store.control, store_time=store_time, replicas=store.replicas)


def open_probe(store: StoreAddress) -> ClickHouseReader:
    """Return a reader for readiness checks only: it does not share its connection with questions and caches nothing."""
    make = _maker(store, PROBE_WITHIN_S)
    return ClickHouseReader(make, store.control, pool_size=1, live_for_s=0.0, replicas=store.replicas)


def _maker(store: StoreAddress, within_s: float) -> ClientFactory:
    return partial(connect, READ.within(CONNECT_WITHIN_S, within_s), **store.options)


def _right_to_insert(sql: str, database: str) -> str:
    found = _INSERT.search(sql)
    return f"INSERT ON {database}.{found[1]}" if found else ""


def _ask_what_is_allowed(client: Client) -> Allowed:
    """Return what the store lets our user set; log what differs from our limits.

    Raises `ReadRefused` if the store is too old, or answers could be wrong with this profile.
    """
    check_version(client, ReadRefused)
    asked = {"names": [GUARD, *LIMITS, *{name for name, _ in TUNING}], "overflow": OVERFLOW}
    profile = {name: ProfileSetting(*rest) for name, *rest in client.query(PROFILE_SQL, asked).result_rows}
    fitted, left_out = fit_limits(LIMITS, profile), untunable(TUNING, profile)
    if fitted.remarks or left_out:
        why = "the settings profile of the store's user"
        logger.warning("store_limits_differ", why=why, limits=fitted.remarks, without=sorted(left_out))
    return Allowed(fitted.settings, left_out)


def is_outage(error: Exception) -> bool:
    """Whether the same question may succeed in a moment; also true while the tables do not exist yet."""
    return _verdict(error) in (Verdict.PASSES, Verdict.NOT_PROVISIONED)


def _verdict(error: Exception) -> Verdict:
    return Verdict.REFUSED if isinstance(error, ReadRefused) else verdict_of_error(error)
