"""Fixtures for every folder of tests."""

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from itertools import compress
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from devstack.kafka_jars.broker import Broker
from devstack.store_server.conditions import BEHIND_PROXY, DEDUPLICATION_WINDOW
from runtime.services.ports import FIRST, LAST, RANGE
from runtime.services.rule_cache import user_cache
from tests.selection.parts import ALL, NO, PARTS, function_of, part_of, runs, with_longer_ones
from tests.selection.units import ByInstallationOrFile, put_longest_first, unit_of
from tests.support.examples import load_profile
from tests.support.rigs.containers import (
    NO_CONTAINERS,
    clickhouse_container,
    clickhouse_image,
    kafka_container,
    kafka_image,
    why_none,
)
from tests.support.rigs.installation import Installation
from tests.support.rigs.kafka import broker_from_jars, create_topic, need_jars
from tests.support.rigs.projector_rig import ProjectorRig, started_rig
from tests.support.rigs.served_store import STRICT, Served
from tests.support.rigs.store import Options, TestStore, new_address, new_store

SERVERS = {  # fixtures that start a server
    *("engine", "embedded_engine", "installation", "kafka", "kafka_broker", "new_kafka_broker", "redis"),
}
OF_A_UNIT = ("installation", "unstarted", "dashboard")  # fixtures that nothing else in the worker will use
INTEGRATION = Path(__file__).parent / "integration"
PORT_RANGES = 4  # a free port may be taken by another worker before its server starts
HERE, CONTAINERS = "here", "containers"
# Test brokers live for seconds or minutes: optimising their code would take as long as running it.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
load_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--part`."""
    parser.addoption(
        "--part", default=ALL, help=f"run the tests of these parts ({','.join(PARTS)}), of {ALL}, or those of {NO}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker ports of its own, and find out once per run whether containers can be started, if needed."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PORT_RANGES
    size = (LAST - FIRST) // PORT_RANGES
    os.environ[RANGE] = f"{FIRST + worker * size}-{FIRST + (worker + 1) * size}"
    if NO_CONTAINERS in os.environ:  # another process of this run has already asked
        return
    chosen = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    if any(path.is_relative_to(INTEGRATION) or INTEGRATION.is_relative_to(path) for path in chosen):
        os.environ[NO_CONTAINERS] = reason = why_none()
        if reason and os.environ.get("REQUIRE_CONTAINERS") == "1":
            raise pytest.UsageError(f"REQUIRE_CONTAINERS=1, but no container can be had: {reason}")


def pytest_report_header() -> str | None:
    """Say which servers the integration tests use."""
    reason = os.environ.get(NO_CONTAINERS)
    if reason is None:
        return None
    found = f"not with containers: {reason}" if reason else f"also with {kafka_image()} and {clickhouse_image()}"
    return f"integration tests: {found}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from walking all collected tests each time: they live until the run ends."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_collection_finish() -> None:
    """Load redaction's rules from the cache if a test uses them: compiling them takes each process a second."""
    if redaction := sys.modules.get("ingest.privacy.redaction"):
        redaction.compile_rules(user_cache())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each integration test with both kinds of server, if containers can be started."""
    is_wanted = "server_kind" in metafunc.fixturenames and metafunc.definition.path.is_relative_to(INTEGRATION)
    if is_wanted and os.environ.get(NO_CONTAINERS) == "":
        metafunc.parametrize("server_kind", [HERE, CONTAINERS], indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of other parts and of the other kind of installation, and mark those that start servers."""
    part = config.getoption("part")
    longer = with_longer_ones(items, part)
    wanted = [
        runs(item, part) and not _is_elsewhere(item) and not (part_of(item) is None and function_of(item) in longer)
        for item in items
    ]
    config.hook.pytest_deselected(items=[item for item, is_ours in zip(items, wanted, strict=True) if not is_ours])
    items[:] = compress(items, wanted)
    if hasattr(config, "workerinput"):
        put_longest_first(items)
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if not SERVERS.isdisjoint((*getattr(item, "fixturenames", ()), *map(str, params.values()))):
            item.add_marker("servers")


def _is_elsewhere(item: pytest.Item) -> bool:
    """Return whether the test is marked with ``only_on("up")`` or ``only_on("stack")``, and this is the other kind."""
    only = item.get_closest_marker("only_on")
    return only is not None and not any(kind in item.callspec.params.values() for kind in only.args)  # type: ignore[attr-defined]  # of a parametrised function


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a shared installation after its last test: an idle `stack` uses half a core."""
    if hasattr(item.config, "workerinput") and nextitem and unit_of(nextitem.nodeid) != unit_of(item.nodeid):
        for name in OF_A_UNIT:
            for made in item.session._fixturemanager.getfixturedefs(name, item) or ():
                made.finish(item._request)  # type: ignore[attr-defined]  # of a function


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Distribute by file, but long tests separately and the tests of an installation together, so it starts once."""
    return ByInstallationOrFile(config, log)


@pytest.fixture(scope="session")
def server_kind(request: pytest.FixtureRequest) -> str:
    """Return which servers the test uses: those started from packages (`here`), or `containers`."""
    return getattr(request, "param", HERE)


@pytest.fixture(scope="session")
def kafka(server_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the `host:port` of the whole run's broker; create topics with `fresh_topic`, and never stop it."""
    if server_kind == CONTAINERS:
        with kafka_container() as bootstrap:
            yield bootstrap
    else:
        with broker_from_jars(tmp_path_factory.mktemp("kafka")) as broker:
            yield broker.bootstrap


@pytest.fixture
def new_kafka_broker(tmp_path: Path) -> Iterator[Broker]:
    """Start a broker for this test, without any topic."""
    with broker_from_jars(tmp_path / "new-kafka") as broker:
        yield broker


@pytest.fixture(scope="session")
def mortal_kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run the broker shared by all tests that stop, kill and restart a broker."""
    with broker_from_jars(tmp_path_factory.mktemp("mortal-kafka")) as broker:
        yield broker


@pytest.fixture
def kafka_broker(mortal_kafka_broker: Broker) -> Broker:
    """Return a running broker, which the test may stop, kill and restart."""
    if not mortal_kafka_broker.running:
        mortal_kafka_broker.start()
    return mortal_kafka_broker


@pytest.fixture
def fresh_topic(kafka: str) -> Callable[..., Awaitable[str]]:
    """Return a function: `await fresh_topic(partitions=4)` creates a topic on the shared broker."""

    async def create(partitions: int = 1, **config: str) -> str:
        return await create_topic(kafka, partitions, **config)

    return create


@pytest.fixture(scope="session")
def engine(server_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Options]:
    """Start a strict server for the stores of tests: a store server in another process, or ClickHouse.

    It behaves as if behind a proxy that accepts 8 KiB of URL. Its tables drop a block that repeats one of the last
    thousand, like those of a replicated installation.
    """
    if server_kind == CONTAINERS:
        with clickhouse_container() as options:
            yield options
    else:
        conditions = {BEHIND_PROXY: "1", DEDUPLICATION_WINDOW: "1000"}
        served = Served(tmp_path_factory.mktemp("engine"), users=[STRICT], **conditions)
        yield served.options
        served.end()


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Return options of the in-process engine: one directory for the run, since a process can open only one."""
    return {"interface": "chdb", "path": str(tmp_path_factory.mktemp("chdb"))}


@pytest.fixture
def projector_rig(
    request: pytest.FixtureRequest, server_kind: str, kafka: str, tmp_path: Path
) -> Iterator[ProjectorRig]:
    """Create a topic, a store server (or use the container) and its tables; the test starts the workers."""
    shared = new_address(request.getfixturevalue("engine")) if server_kind == CONTAINERS else None
    with started_rig(kafka, tmp_path, shared) as rig:
        yield rig


@pytest.fixture
def store(engine: Options) -> Iterator[TestStore]:
    """Provision a store for one test; `emptied_store` is cheaper."""
    yield from new_store(new_address(engine))


@pytest.fixture(scope="module")
def shared_store(engine: Options) -> Iterator[TestStore]:
    """Provision a store for a module whose tests empty it themselves."""
    yield from new_store(new_address(engine))


@pytest.fixture
def emptied_store(shared_store: TestStore) -> TestStore:
    """Return the store of the module, emptied: faster than a new one, for tests that change no schema and no prices."""
    shared_store.empty()
    return shared_store


@pytest.fixture(scope="session", params=["up", pytest.param("stack", marks=pytest.mark.kafka)])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Start both kinds of installation, once for all tests that leave them healthy.

    The tests share an installation, so each uses its own org (``fresh_org``). It starts with umask 0, on a folder that
    was created with umask 0: `tests/faults/test_other_accounts.py` shows that other accounts still can't open anything.
    """
    if request.param == "stack":
        need_jars()
    running = Installation(request.param, tmp_path_factory.mktemp(request.param) / "data")
    before = os.umask(0)
    try:
        running.spawn()
    finally:
        os.umask(before)
    try:
        running.wait_ready()
        yield running
    finally:
        running.end()


@pytest.fixture
def fresh_org(request: pytest.FixtureRequest) -> str:
    """Return an org that no other test uses, derived from the test's name."""
    return f"org-{abs(hash(request.node.nodeid)):x}"
