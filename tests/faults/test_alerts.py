"""Each alert fires when its cause is provoked on a real stack, with the shipped rules evaluated by a real Prometheus.

Everything in the rules happens `FASTER` times as fast, so that minutes become seconds, and there is a night every
`NIGHT_EVERY_S`; the expressions are the shipped ones.
"""

import contextlib
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from ingest.log.archive.folder import Folder
from runtime.settings.stack_folder import stack_store_url
from runtime.settings.store_url import parse_store_url
from schemas.http.requests import BODY_BYTES_MAX
from store.address import CONTROL_DATABASE
from tests.faults.shared_installation import running
from tests.support.alerts import ALERTS, rules_of, scaled
from tests.support.clients.background import Background
from tests.support.clients.poison import poison
from tests.support.clients.traffic import Traffic
from tests.support.rigs.kafka import need_jars
from tests.support.rigs.observed_stack import ObservedStack
from tests.support.rigs.prometheus import need
from tests.support.rigs.redis import RedisServer, need_redis
from tests.support.rigs.up_with_sql_socket import Tables
from tests.support.waiting import eventually

SENT_AT_ONCE = BODY_BYTES_MAX * 99 // 100
BYTE_EVERY_S = 2.0


class StallingClients(Background):
    """``with StallingClients(…):`` keeps ``bodies`` requests of this org open without an end, until the block ends."""

    def __init__(self, connect: Callable[[], httpx.Client], org: str, bodies: int) -> None:
        super().__init__()
        self._connect, self._path = connect, f"/api/v1/{org}/sessions"
        self._threads = [threading.Thread(target=self._stall) for _ in range(bodies)]

    def _stall(self) -> None:
        with self._connect() as http:
            while not self._stop.is_set():
                with contextlib.suppress(httpx.HTTPError):  # refused for being slow: try again
                    http.post(self._path, content=self._body(), headers={"Content-Type": "application/json"})

    def _body(self) -> Iterator[bytes]:
        """Yield only spaces, so that the service has nothing to store."""
        yield b" " * SENT_AT_ONCE
        while not self._stop.wait(BYTE_EVERY_S):
            yield b" "


pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600), pytest.mark.part("alerts")]
FASTER = 40
NIGHT_EVERY_S, SILENT_NIGHTS_S = 7.0, 22.0  # silent only after several nights: one may be late here
HOT_DAYS = "0.001"  # so a record must be in the archive after 12 s
AUDIT_EVERY_S = 3.0  # an audit keeps the store busy for about a second
FACTORS = {"CrewkitNightlyAuditSilent": 26 * 3_600 / SILENT_NIGHTS_S}
LONGEST_S = 15 * 60 / FASTER  # the longest `for`, and longer than `SILENT_NIGHTS_S`
WITHIN_S = 180  # also on a machine that is busy with other things
EVENTS_PER_S, READS_PER_S = 40, 3  # of the steady traffic: two writes per second, so each window of a rule has some
ORG = "observed"
LOG_DELAY_S, STORE_DELAY_S = 1.1, 0.05  # in each direction, so that an append takes more than 2 s
AUDITS_SILENT = ("CrewkitAuditSilent", "CrewkitNightlyAuditSilent")
READERS = 40  # ten for each query slot of a process: with that delay an answer takes more than 1 s
PARTS = 550
# Settings that cut what a statement inserts into parts
ROWS_OF_A_PART = (
    *("max_block_size", "max_insert_threads", "min_joined_block_size_rows", "min_joined_block_size_bytes"),
    *("min_insert_block_size_rows", "min_insert_block_size_bytes"),
)
SEEN: set[str] = set()  # alerts for which a test of this module waited


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start the server that counts requests."""
    server = RedisServer(need_redis(), tmp_path_factory.mktemp("redis"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[ObservedStack]:
    """Start one stack for this module, with traffic; each test repairs what it broke."""
    need_jars(), need("prometheus")
    folder, rules = tmp_path_factory.mktemp("observed") / "stack", scaled(ALERTS, FASTER, FACTORS)
    target = ObservedStack(
        folder, rules, 0.75, AUDIT_EVERY_S, NIGHT_EVERY_S, RATE_LIMIT_URL=redis.url, HOT_DAYS=HOT_DAYS
    )
    with running(target), Traffic(client_of(target), ORG, EVENTS_PER_S, READS_PER_S):
        yield target


def client_of(stack: ObservedStack, org: str = ORG) -> Callable[[], httpx.Client]:
    """Return a function that makes a client for an org; its time-out is longer than the deadline of an append."""
    return lambda: stack.client(org=org, timeout=12)


def tables_of(stack: ObservedStack) -> Tables:
    """Return the stack's store, with the rights of its own writers."""
    url = stack_store_url(stack.data)
    assert url is not None
    return Tables(parse_store_url(url))


def await_alerts(stack: ObservedStack, *alerts: str) -> None:
    """Wait until all of them have fired, at any time."""
    SEEN.update(alerts)
    missing = set(alerts)

    def all_fired() -> bool:
        missing.difference_update(stack.prometheus.firing())
        return not missing

    try:
        eventually(all_fired, within_s=WITHIN_S)
    except AssertionError as late:
        raise AssertionError(f"{missing} did not fire; {stack.prometheus.states()}") from late


def await_silence(stack: ObservedStack, *alerts: str) -> None:
    """Wait until none of them is firing."""
    try:
        eventually(lambda: not stack.prometheus.firing() & set(alerts), within_s=WITHIN_S)
    except AssertionError as late:
        raise AssertionError(f"still firing: {stack.prometheus.firing() & set(alerts)}") from late


def shipped_alerts() -> set[str]:
    """Return the names of all shipped alerts."""
    return {rule["alert"] for rule in rules_of(ALERTS)}


@contextmanager
def healed(stack: ObservedStack, *alerts: str) -> Iterator[None]:
    """At the end, undo the fault, and wait until these alerts are silent."""
    try:
        yield
    finally:
        stack.heal()
    await_silence(stack, *alerts)


@contextmanager
def signalled(stack: ObservedStack, *names: str) -> Iterator[None]:
    """Suspend these processes inside the block."""
    pids = [stack.pids()[name] for name in names]
    with ExitStack() as ending:
        for pid in pids:
            ending.callback(stack.send_to, pid, signal.SIGCONT)
            stack.send_to(pid, signal.SIGSTOP)
        yield


def owner(stack: ObservedStack) -> str | None:
    """Return a projector that has partitions; after an outage, another one may have all of them."""
    for number, port in enumerate(stack.projectors):
        if sum(stack.prometheus.values(f'crewkit_projector_assigned_partitions{{instance="127.0.0.1:{port}"}}')):
            return f"projector-{number}"
    return None


def test_nothing_fires_while_all_is_well(stack: ObservedStack) -> None:
    """After the longest `for` of any alert, under traffic: every rule could be evaluated, and none keeps firing.

    One may fire for seconds, which are minutes here, while the stack starts on a busy machine. A rule that is wrong
    about a healthy stack never stops firing.
    """
    (begun,) = stack.prometheus.values("vector(time())")
    eventually(lambda: stack.prometheus.values("vector(time())")[0] > begun + LONGEST_S, within_s=WITHIN_S)

    assert stack.prometheus.faulty_rules() == {}
    await_silence(stack, *shipped_alerts())


def test_lost_receipts_dead_letters_a_lost_file_and_a_lost_counter_are_seen(
    stack: ObservedStack, redis: RedisServer
) -> None:
    """None of these faults stops a request, so only an alert shows them."""
    tables_of(stack).run("DELETE FROM receipts WHERE log_offset < 2")
    poison(stack.kafka_address, stack.security, random.Random(1), ("garbage", "version"))
    stack.revoked.unlink()
    redis.kill()

    quiet = ("CrewkitNumbersWrong", "CrewkitCredentialsFileBroken", "CrewkitRateLimitStoreAway")
    await_alerts(stack, *quiet, "CrewkitDeadLetters")

    assert stack.prometheus.values("sum by (reason) (crewkit_projector_dead_letters_total) > 0") == [1, 1]
    stack.heal()
    redis.start()
    assert stack.command("coverage", "--repair").returncode == 0
    await_silence(stack, *quiet)


def test_a_store_that_is_away_is_seen_by_projectors_readers_and_the_audit(stack: ObservedStack) -> None:
    """Writes continue, so no alert on writes fires."""
    expected = ("CrewkitProjectorTargetAway", "CrewkitProjectionBehind", "CrewkitReadsFail", *AUDITS_SILENT)
    with healed(stack, *expected):
        stack.proxies["store"].refuse()
        await_alerts(stack, *expected)
        also = stack.prometheus.firing()

    assert not also & {"CrewkitWritesFail", "CrewkitAppendsFail", "CrewkitPartitionStuck", "CrewkitProcessMissing"}


def test_a_store_that_hangs_leaves_partitions_stuck(stack: ObservedStack) -> None:
    """It accepts connections but never answers, so for a while no call fails."""
    with signalled(stack, "store-server"):
        await_alerts(stack, "CrewkitPartitionStuck")

    await_silence(stack, "CrewkitPartitionStuck", "CrewkitReadsFail", "CrewkitProjectionBehind")


def test_a_log_that_is_away_is_seen_by_writers_and_projectors(stack: ObservedStack) -> None:
    """An append gives up after 8 s, so several clients are needed to see failures all the time."""
    expected = ("CrewkitWritesFail", "CrewkitAppendsFail", "CrewkitProjectorTargetAway")
    with healed(stack, *expected):
        stack.proxies["kafka"].refuse()
        with Traffic(client_of(stack), ORG, events_per_s=200, writers=20):
            await_alerts(stack, *expected)
        assert stack.prometheus.values('min(crewkit_projector_target_up{target="log"})') == [0]


def test_a_slow_log_and_clients_that_stall_are_seen(stack: ObservedStack) -> None:
    """Neither loses a record. Six bodies of two orgs take most of the bytes that a process may hold."""
    expected = ("CrewkitAppendsSlow", "CrewkitIngestNearBudget")
    with healed(stack, *expected), ExitStack() as clients:
        stack.proxies["kafka"].delay(LOG_DELAY_S)
        clients.enter_context(Traffic(client_of(stack), ORG, events_per_s=200, writers=10))
        for org in ("stalls", "stalls-too"):
            clients.enter_context(StallingClients(client_of(stack, org), org, bodies=3))
        await_alerts(stack, *expected)


def test_readers_that_are_too_many_wait_long_for_their_turn(stack: ObservedStack) -> None:
    """Each reader belongs to another org: equal questions of one org would be asked only once."""
    expected = ("CrewkitReadsSlow", "CrewkitReadsQueue")
    with healed(stack, *expected), ExitStack() as readers:
        stack.proxies["store"].delay(STORE_DELAY_S)
        for org in (f"reads-{number}" for number in range(READERS)):
            readers.enter_context(Traffic(client_of(stack, org), org, reads_per_s=100, writers=0))
        await_alerts(stack, *expected)


def test_parts_that_are_not_merged_and_a_log_that_refuses_records_are_seen(stack: ObservedStack) -> None:
    """A rewritten dead letter changes no number. The topic refuses records from a slow clock."""
    expected = ("CrewkitStoreParts", "CrewkitProducerReplaced")
    tables = tables_of(stack)
    one_row_a_part = ", ".join(f"{name} = 1" for name in ROWS_OF_A_PART)
    letter = f"numbers({PARTS}) AS n, (SELECT * FROM dead_letters LIMIT 1) AS letter"
    again = f"INSERT INTO dead_letters SELECT letter.* FROM {letter} SETTINGS insert_deduplicate = 0, {one_row_a_part}"
    poison(stack.kafka_address, stack.security, random.Random(2), ("garbage",))
    eventually(lambda: tables.run("SELECT * FROM dead_letters"), within_s=WITHIN_S)
    try:
        tables.run_all(("SYSTEM STOP MERGES dead_letters", again))
        stack.set_topic({"message.timestamp.before.max.ms": "1"})
        await_alerts(stack, *expected)
    finally:
        stack.set_topic({})
        tables.run_all(("SYSTEM START MERGES dead_letters",))

    await_silence(stack, *expected)


def test_processes_that_hang_are_down_and_their_partitions_have_no_owner(stack: ObservedStack) -> None:
    """A projector and the only HTTP service hang: Prometheus gets no answer from either."""
    expected = ("CrewkitProcessDown", "CrewkitPartitionWithoutOwner", "CrewkitProcessMissing")
    with signalled(stack, eventually(lambda: owner(stack), within_s=WITHIN_S), "serve"):
        await_alerts(stack, *expected)

    await_silence(stack, *expected)


def test_a_projector_that_ends_again_and_again_is_seen(stack: ObservedStack) -> None:
    """Its supervisor restarts it each time, as after the watchdog; the third restart is too many."""
    started = f'process_start_time_seconds{{instance="127.0.0.1:{stack.projectors[1]}"}}'
    for _ in range(3):
        before = eventually(lambda: stack.prometheus.values(started), within_s=WITHIN_S)
        stack.send("projector-1", signal.SIGKILL)
        eventually(lambda before=before: stack.prometheus.values(started) not in ([], before), within_s=WITHIN_S)  # type: ignore[misc]

    await_alerts(stack, "CrewkitProcessRestarts")


def test_an_archive_that_can_not_be_written_is_seen(stack: ObservedStack) -> None:
    """Nothing is lost: the topic keeps what the archive lacks."""
    with Folder(stack.data / "archive").locked():
        await_alerts(stack, "CrewkitArchiveBehind")
    await_silence(stack, "CrewkitArchiveBehind")


def test_an_old_erasure_and_rows_that_are_back_are_seen(stack: ObservedStack) -> None:
    """The erasure is older than its log allows; a check found what an earlier one had certified."""
    tables, report = tables_of(stack), '{"tables":{},"parts":[],"logs":[],"erasures":{"0":5}}'
    for clean_below in (9, 5):
        tables.run(
            f"INSERT INTO {CONTROL_DATABASE}.erasure_checks (began_at, generation, clean_below, report)"
            f" SELECT now64(6), 'g1', [{clean_below}], '{report}'"
        )
    tables.run(
        "INSERT INTO erased (log_partition, log_offset, org_id, session_id, erasure, requested_at)"
        " SELECT 0, 1000000000, 'nobody', generateUUIDv4(), generateUUIDv4(), now() - INTERVAL 26 DAY"
    )
    await_alerts(stack, "CrewkitErasureOverdue", "CrewkitErasedRowsFound")


def test_every_alert_was_provoked() -> None:
    """This counts the alerts that the tests above waited for, so it only means something after all of them."""
    if len(SEEN) < 5:
        pytest.skip("the tests above were not run")

    assert shipped_alerts() == SEEN
