"""Reads the store: a port, and its adapter over ClickHouse's client, which also speaks to the engine in-process.

One question is one file in ``sql/``. Its parameters are bound by the server, and it runs within fixed limits against
the database of one generation.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, LifoQueue
from time import monotonic
from typing import Any, NamedTuple, Protocol

import clickhouse_connect
import msgspec
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DataError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)

from kernel.tls_errors import tls_refusal
from query_api.errors import AnswerTooLarge, StoreRefuses, StoreUnavailable
from query_api.fairness import FairTurns
from query_api.profile import OVERFLOW, PROFILE_SQL, SNAPSHOT, ProfileSetting, fit, untunable
from query_api.question import P, Question, R
from query_api.statements import TUNING, names_of_absent, statement_untuned, statement_without
from store.codes import Verdict
from store.errors import judge, refusal
from store.version import VERSION_SQL, why_too_old

logger = structlog.get_logger()
BASE = "crewkit"
POOL_SIZE = 4
ANSWER_WITHIN_S = 15.0  # the time in the queue for a client included
PROBE_WITHIN_S = 2.0  # after it a probe that hangs has made room for the next
CHECK_WITHIN_S = 5.0  # at the start, which must not wait long for a store that is not there
LIVE_FOR_S = 1.0  # how long readers may go on with the generation they know

LIMITS: Mapping[str, object] = {
    "max_execution_time": 10,
    "max_memory_usage": 2 << 30,
    "max_result_rows": 200_000,
    # All parts of one question look at one state of a table.
    SNAPSHOT: 1,
}
FORMATS: Mapping[str, Any] = {
    "query_formats": {"Tuple": "tuple"},
    "column_formats": {"data": "bytes"},  # a payload is the client's bytes
}
_BY_CLIENT = (ProgrammingError, DataError, InternalError, NotSupportedError)  # raised before, or after, the store
REFUSAL_LOGGED_EVERY_S = 10.0

Row = dict[str, Any]
ClientFactory = Callable[[], Client]


class Allowed(NamedTuple):
    """What our user's profile allows: limits that go with each question, and settings in its text that it forbids."""

    settings: Mapping[str, object]
    untunable: frozenset[str]


class Generation(NamedTuple):
    """One set of derived tables, and how many partitions of the log feed it (0: not known)."""

    name: str
    partitions: int


class Reader(Protocol):
    """Asks the store. Every call may raise `StoreUnavailable`, a query `AnswerTooLarge` as well."""

    async def live(self) -> Generation:
        """The generation that readers use, as of at most a second ago."""
        ...

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        """The rows that ``sql/<name>.sql`` finds in one generation."""
        ...


async def answer(reader: Reader, generation: Generation, question: Question[P, R], params: P) -> list[R]:
    """The rows that answer a question in one generation."""
    found = await reader.query(generation, question.name, msgspec.structs.asdict(params))
    try:
        return msgspec.convert(found, list[question.row])  # type: ignore[name-defined]  # a type known at run time
    except msgspec.ValidationError as error:  # ours, and no fault of the request
        raise TypeError(f"{question.name}.sql gives other rows than {question.row.__name__}: {error}") from error


class ClickHouseReader:
    """`Reader` over a small pool of synchronous clients, each used by one thread at a time; orgs share it fairly."""

    def __init__(
        self,
        make_client: ClientFactory,
        base: str = BASE,
        pool_size: int = POOL_SIZE,
        live_for_s: float = LIVE_FOR_S,
    ) -> None:
        self._make_client = make_client
        self._base = base
        self._live_for_s = live_for_s
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="reader")
        self._turns = FairTurns(pool_size, of_one=max(1, pool_size - 1))
        self._idle: LifoQueue[Client] = LifoQueue()
        self._live: tuple[float, Generation] | None = None
        self._refusal_logged = -REFUSAL_LOGGED_EVERY_S
        self._allowed: Allowed | None = None  # as of the first connection, or the first after a refusal

    async def live(self) -> Generation:
        """The latest generation that was switched to; what a reply was told a second ago is told again."""
        if self._live is None or monotonic() - self._live[0] > self._live_for_s:
            asked_at = monotonic()
            found = await self._run(self._base, "query_api.live_generation", {})
            if not found:
                raise StoreUnavailable("no generation is live")
            self._live = asked_at, Generation(**found[0])
        return self._live[1]

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        """The rows that ``sql/<name>.sql`` finds in ``<base>_<generation>``, in turn with other orgs."""
        return await self._run(f"{self._base}_{generation.name}", name, params, str(params.get("org_id", "")))

    async def check(self) -> None:
        """Ask once, so that what the store would refuse of every question is known before the first.

        Raises:
            StoreRefuses: with what to change.
            StoreUnavailable: the store is away, or not provisioned; the first question finds the same out.
        """
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                await self.query(await self.live(), "query_api.progress", {})
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {CHECK_WITHIN_S:.0f} s") from error

    def close(self) -> None:
        """Wait for the questions under way and close every client."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while (client := self._take_idle()) is not None:
            client.close()

    async def _run(self, database: str, name: str, params: Mapping[str, object], asker: str = "") -> list[Row]:
        sql = statement_without(name, names_of_absent(params))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._turns.take(asker)
                return await asyncio.wrap_future(self._begin(asker, database, sql, params))
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {ANSWER_WITHIN_S:.0f} s") from error

    def _begin(self, asker: str, database: str, sql: str, params: Mapping[str, object]) -> "Future[list[Row]]":
        """Ask in a thread. The turn ends when the thread is free again, even if nobody waits for its answer by then."""
        loop = asyncio.get_running_loop()
        try:
            answer = self._threads.submit(self._ask, database, sql, params)
        except RuntimeError as error:  # the executor takes no work after `close`
            self._turns.give_back(asker)
            raise StoreUnavailable("the reader is closed") from error
        answer.add_done_callback(lambda _: loop.call_soon_threadsafe(self._turns.give_back, asker))
        return answer

    def _ask(self, database: str, sql: str, params: Mapping[str, object]) -> list[Row]:
        """One question on one client, which returns to the pool unless it may be broken."""
        client = None
        try:
            client = self._take_idle() or self._make_client()
            allowed = self._allowed = self._allowed or _ask_what_is_allowed(client)
            client.database = database
            if allowed.untunable:
                sql = statement_untuned(sql, allowed.untunable)
            answer = client.query(sql, dict(params), settings=dict(allowed.settings), **FORMATS)
            rows = list(answer.named_results())
        except (ClickHouseError, OSError, StoreRefuses) as error:
            if client is not None:
                client.close()
            raise self._failed(error) from error
        self._idle.put(client)
        return rows

    def _failed(self, error: Exception) -> Exception:
        """What a failed question is for its caller; a refusal is logged as well, since only a person can change it."""
        code, text = getattr(error, "code", None), str(error)
        verdict = _verdict(error)
        if verdict is Verdict.TOO_LARGE:
            return AnswerTooLarge(text)
        if verdict is Verdict.REFUSED:
            self._allowed = None  # which may have been changed
            sentence = text if isinstance(error, StoreRefuses) else _tls_refusal(error) or refusal(code, text)
            if monotonic() - self._refusal_logged > REFUSAL_LOGGED_EVERY_S:
                self._refusal_logged = monotonic()
                logger.error("store_refuses", error=sentence)
            return StoreRefuses(sentence)
        return StoreUnavailable(text) if _is_outage(error) else error

    def _take_idle(self) -> Client | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None


def open_reader(options: Mapping[str, Any], base: str = BASE, pool_size: int = POOL_SIZE) -> ClickHouseReader:
    """A reader whose clients are made with ``options`` when first asked: ``interface="chdb", path=…`` or ``host=…``."""
    return ClickHouseReader(_maker(options, ANSWER_WITHIN_S), base, pool_size)


def open_probe(options: Mapping[str, Any], base: str = BASE) -> ClickHouseReader:
    """A reader for readiness alone: it has a connection of its own, waits for no other question, remembers nothing."""
    return ClickHouseReader(_maker(options, PROBE_WITHIN_S), base, pool_size=1, live_for_s=0.0)


def _maker(options: Mapping[str, Any], within_s: float) -> ClientFactory:
    way: dict[str, Any] = {}
    if "host" in options:
        way = {
            "autogenerate_session_id": False,  # queries of one session would exclude each other
            "form_encode_query_params": True,  # filters may be longer than the URL that a proxy allows
            "connect_timeout": 2,
            "send_receive_timeout": within_s,
        }

    def make() -> Client:
        return clickhouse_connect.get_client(**options, **way, tz_mode="aware")

    return make


def _ask_what_is_allowed(client: Client) -> Allowed:
    """What the store lets our user set. What is not as we want it is said once, in one line.

    Raises:
        StoreRefuses: the store is too old, or with such a profile answers could be wrong.
    """
    _check_version(client)
    asked = {"names": [*LIMITS, *{name for name, _ in TUNING}], "overflow": OVERFLOW}
    profile = {name: ProfileSetting(*rest) for name, *rest in client.query(PROFILE_SQL, asked).result_rows}
    fitted, left_out = fit(LIMITS, profile), untunable(TUNING, profile)
    if fitted.remarks or left_out:
        why = "the settings profile of the store's user"
        logger.warning("store_limits_differ", why=why, limits=fitted.remarks, without=sorted(left_out))
    return Allowed(fitted.settings, left_out)


def _check_version(client: Client) -> None:
    ((version, compatibility),) = client.query(VERSION_SQL).result_rows
    if why := why_too_old(version, compatibility):
        raise StoreRefuses(why)


def _is_outage(error: Exception) -> bool:
    """Whether the same question may be answered in a moment: also where the tables are not there yet."""
    return _verdict(error) in (Verdict.PASSES, Verdict.NOT_PROVISIONED)


def _verdict(error: Exception) -> Verdict:
    if isinstance(error, StoreRefuses) or _tls_refusal(error):
        return Verdict.REFUSED
    return judge(getattr(error, "code", None), str(error), by_client=isinstance(error, _BY_CLIENT))


def _tls_refusal(error: Exception) -> str | None:
    return tls_refusal(error, "the store", "STORE")
