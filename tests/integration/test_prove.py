"""The proof of a generation on the real engine: it names every planted error with both values, and nothing else."""

import asyncio
import random
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from generations.prove import ranges
from generations.prove.proof import Proof
from generations.prove.tables import ALL, FACTS, Table
from generations.prove.words import in_words
from processors import plan
from processors.projections.sessions import session_row
from schemas.log.position import LogRecord
from schemas.store.rows import SessionRow
from tests.support.builders import ORG, compaction_requested, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.audited import OTHER, worked_on
from tests.support.rigs.projection import Crash, CrashingWarehouse, new_pipeline, settle
from tests.support.rigs.two_generations import LIVE, PROVED, Kept, TwoGenerations

pytest_plugins = ["tests.support.rigs.prove_fixtures"]
PROOFS_MEANWHILE = 3

Column = tuple[str, str, str | None]  # table, column, the generation that contradicts itself


def a_log(sessions: int = 10, seed: int = 1) -> list[LogRecord]:
    """Return a log with rows in every table; each partition ends with records that change no session."""
    log = worked_on(seed, sessions)
    for n in range(sessions):
        org = (ORG, OTHER)[n % 2]
        log.add(compaction_requested(named(n, org), org_id=org))
    for partition in range(log.partitions):
        for _ in range(3):
            log.add_bytes(b"not a record", partition=partition)
    return log.records


@pytest.fixture(scope="module")
def equal(both: TwoGenerations) -> Kept:
    """Make two equal generations."""
    return filled_with(both, a_log())


@pytest.fixture(scope="module")
def small(both: TwoGenerations) -> Kept:
    """Make two equal generations of two sessions."""
    return filled_with(both, a_log(2))


@pytest.fixture(scope="module")
def behind(both: TwoGenerations) -> Kept:
    """Make two generations; g2 has projected only 20 records of `a_log(4)`."""
    both.empty()
    asyncio.run(both.project(a_log(4)[:20]))
    asyncio.run(both.project(a_log(4), LIVE))
    return both.keep()


def filled_with(both: TwoGenerations, log: list[LogRecord]) -> Kept:
    """Project a log into both generations."""
    both.empty()
    asyncio.run(both.project(log))
    return both.keep()


@pytest.fixture
def filled(both: TwoGenerations, equal: Kept) -> TwoGenerations:
    """Provide two equal generations."""
    both.restore(equal)
    return both


def columns_of(proof: Proof) -> set[Column]:
    """Return the listed differences, between the generations or inside one."""
    return {(count.table, count.column, count.generation) for count in proof.by_column}


def between(proof: Proof) -> list[tuple[Any, ...]]:
    """Return table, column and both values of the listed differences between the generations."""
    return [(one.table, one.column, one.live, one.proved) for one in proof.differences if one.live is not UNSET]


def inside(proof: Proof, generation: str = PROVED) -> list[tuple[Any, ...]]:
    """Return table, column and both values of the listed contradictions inside a generation."""
    found = [one for one in proof.differences if one.generation == generation]
    return [(one.table, one.column, one.stored, one.recounted) for one in found]


async def test_a_log_projected_twice_gives_equal_generations(filled: TwoGenerations) -> None:
    """Nothing differs or moves, and every table was compared whole, up to the last position; progress rises to 1."""
    proof = await filled.prove()
    shares = [share for share, _ in filled.progress]

    assert in_words(proof)[0] == "g2 equals g1."
    assert (proof.equal, proof.differences, proof.moving, proof.truncated) == (True, [], {}, False)
    assert sum(proof.pins) == len(a_log())
    tables = ("facts", "receipts", "sessions", "amounts", "tasks", "compactions", "analyses", "dead_letters")
    for table in tables:
        assert proof.compared[table] == filled.rows(f"SELECT count() FROM {{db}}.{table} FINAL")[0][0] > 0
    assert msgspec.json.decode(msgspec.json.encode(proof), type=Proof) == proof
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1 == shares[-1]
    assert {"facts", "receipts", "sessions", "tasks", "recount of g1", "recount of g2"} <= {
        what for _, what in filled.progress
    }


@pytest.mark.parametrize("rows", [1, 7])
async def test_how_the_tables_are_cut_changes_nothing(
    both: TwoGenerations, small: Kept, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ranges of a few rows the counts and the differences are the same, each row once."""
    both.restore(small)
    both.alter("DELETE FROM {db}.tasks WHERE task_id = 'a' AND kind = 'tool'")
    both.alter(f"DELETE FROM {{db}}.sessions WHERE session_id = '{named(0)}'")
    whole = await both.prove()
    monkeypatch.setattr(ranges, "ROWS_PER_RANGE", rows)
    monkeypatch.setattr(ranges, "BLOCKS", 5)
    monkeypatch.setattr(ranges, "ORGS_PER_QUESTION", 1)

    cut = await both.prove()

    assert {one.table for one in whole.differences} >= {"tasks", "sessions"}
    assert cut.compared == whole.compared
    assert sorted(map(repr, cut.differences)) == sorted(map(repr, whole.differences))
    assert cut.by_day == whole.by_day
    assert len(both.progress) > 20
    assert [what for _, what in both.progress].count("facts") >= cut.compared["facts"] / rows


async def test_a_changed_token_count_is_named(filled: TwoGenerations) -> None:
    """The session is named with both values; its amounts by time contradict it."""
    session = named(2)
    (tokens,) = filled.rows(f"SELECT input_tokens FROM {{db}}.sessions FINAL WHERE session_id = '{session}'")[0]
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (input_tokens + 7 AS input_tokens)"
        f" FROM {{db}}.sessions FINAL WHERE session_id = '{session}'"
    )

    proof = await filled.prove()

    assert between(proof) == [("sessions", "input_tokens", tokens, tokens + 7)]
    assert proof.differences[0].key == {"org_id": ORG, "session_id": str(session)}
    assert columns_of(proof) == {("sessions", "input_tokens", None), ("amounts", "input_tokens", PROVED)}
    assert in_words(proof)[2].startswith("sessions.input_tokens differs in 1 of 10 sessions of 1 org, for example")
    assert in_words(proof)[2].endswith(f"g1 has {tokens}, g2 has {tokens + 7}.")


async def test_a_missing_session_is_named(filled: TwoGenerations) -> None:
    """It is missing compared with the live generation, and compared with its own facts."""
    session = named(0)
    filled.alter(f"DELETE FROM {{db}}.sessions WHERE session_id = '{session}'")

    proof = await filled.prove()

    assert between(proof) == [("sessions", "rows", 1, 0)]
    assert ("sessions", "rows", 0, 1) in inside(proof)
    assert {table for table, _, _ in columns_of(proof)} == {"sessions", "rollup_quarters", "rollup_days"}
    days = {one.day for one in proof.differences if one.table == "sessions"}
    assert days == set(
        filled.rows(f"SELECT toString(toDate(started_hour)) FROM {{db}}.sessions WHERE session_id = '{session}'", LIVE)[
            0
        ]
    )


async def test_a_fact_too_many_is_named(filled: TwoGenerations) -> None:
    """A copy with another event id is a fact that only g2 has; receipt and session contradict it."""
    filled.alter(
        "INSERT INTO {db}.facts SELECT * REPLACE (generateUUIDv4() AS event_id, place + 100 AS place)"
        f" FROM {{db}}.facts FINAL WHERE session_id = '{named(0)}' AND event_type = 'Stop' LIMIT 1"
    )

    proof = await filled.prove()

    assert between(proof) == [("facts", "rows", 0, 1)]
    ((added, counted),) = [(stored, found) for table, _, stored, found in inside(proof) if table == "receipts"]
    assert counted == added + 1
    assert columns_of(proof) == {
        ("facts", "rows", None),
        ("receipts", "added", PROVED),
        ("sessions", "events", PROVED),
    }


async def test_a_fact_that_was_written_twice_is_no_difference(filled: TwoGenerations) -> None:
    """Rows with one key are one fact, whether they are merged or not; this holds for every table."""
    for table in ("facts", "sessions", "amounts", "tasks", "receipts", "dead_letters", "compactions", "analyses"):
        filled.alter(f"INSERT INTO {{db}}.{table} SELECT * FROM {{db}}.{table} FINAL")

    assert (await filled.prove()).equal


async def test_a_receipt_without_its_facts_is_named(filled: TwoGenerations) -> None:
    """A lost fact is named by its id, its receipt by its position."""
    session = named(1, OTHER)
    lost = f"(SELECT argMax(event_id, place) FROM {{db}}.facts WHERE session_id = '{session}' AND event_type = 'Stop')"
    position = filled.rows(
        f"SELECT concat(toString(log_partition), ':', toString(log_offset)) FROM {{db}}.facts FINAL"
        f" WHERE session_id = '{session}' AND event_id = {lost}"
    )[0][0]
    filled.alter(f"DELETE FROM {{db}}.facts WHERE session_id = '{session}' AND event_id = {lost}")

    proof = await filled.prove()

    assert between(proof) == [("facts", "rows", 1, 0)]
    (receipt,) = [one for one in proof.differences if one.table == "receipts"]
    assert receipt.key == {"position": position, "org_id": OTHER, "session_id": str(session)}
    assert (receipt.column, receipt.generation) == ("added", PROVED)
    assert isinstance(receipt.stored, int)
    assert receipt.recounted == receipt.stored - 1
    assert {table for table, _, _ in columns_of(proof)} == {"facts", "receipts", "sessions"}


async def test_facts_at_the_position_of_another_session_are_noticed(filled: TwoGenerations) -> None:
    """This holds even in a proof of a generation with itself, although no receipt leads to them."""
    filled.alter(
        "INSERT INTO {db}.facts SELECT * REPLACE (generateUUIDv4() AS event_id, log_offset - 1 AS log_offset,"
        f" place - 65536 AS place) FROM {{db}}.facts FINAL WHERE session_id = '{named(0)}' ORDER BY log_offset LIMIT 1"
        if filled.rows(f"SELECT min(log_offset) FROM {{db}}.facts WHERE session_id = '{named(0)}'")[0][0]
        else "INSERT INTO {db}.facts SELECT * REPLACE (generateUUIDv4() AS event_id, toUInt64(26) AS log_offset,"
        f" toUInt64(26 * 65536) AS place) FROM {{db}}.facts FINAL WHERE session_id = '{named(0)}' LIMIT 1"
    )

    proof = await filled.prove(live=PROVED)

    assert ("receipts", "added", PROVED) in columns_of(proof)


async def test_a_stale_rollup_is_named(filled: TwoGenerations) -> None:
    """A bucket that misses a session contradicts the sessions of its generation; both values are listed."""
    day = filled.rows("SELECT toString(min(bucket)) FROM {db}.rollups WHERE seconds = 86400")[0][0]
    row = f"org_id = '{ORG}' AND seconds = 86400 AND bucket = '{day}'"
    (events,) = filled.rows(f"SELECT events FROM {{db}}.rollups FINAL WHERE {row}")[0]
    filled.alter(f"DELETE FROM {{db}}.rollups WHERE {row}")
    filled.alter(
        "INSERT INTO {db}.rollups SELECT * REPLACE (version - 1 AS version, events - 1 AS events)"
        f" FROM {filled.store.database}.rollups FINAL WHERE {row}"
    )

    proof = await filled.prove()

    assert between(proof) == []
    assert columns_of(proof) == {("rollup_days", "events", PROVED), ("rollup_days", "version", PROVED)}
    assert ("rollup_days", "events", events - 1, events) in inside(proof)
    assert {(count.table, count.day) for count in proof.by_day} == {("rollup_days", day[:10])}


async def test_a_task_of_another_session_is_named(filled: TwoGenerations) -> None:
    """It is missing in its session, and too much in the other one."""
    task = f"tasks.session_id = '{named(0)}' AND kind = 'tool' AND tasks.task_id = 'a'"
    filled.alter(
        f"INSERT INTO {{db}}.tasks SELECT * REPLACE (toUUID('{named(4)}') AS session_id, 'other' AS task_id)"
        f" FROM {{db}}.tasks FINAL WHERE {task}"
    )
    filled.alter(f"DELETE FROM {{db}}.tasks WHERE {task.replace('tasks.', '')}")

    proof = await filled.prove()

    found = {(one.key["session_id"], one.key["task_id"], one.live, one.proved) for one in proof.differences}
    assert found == {(str(named(0)), "a", 1, 0), (str(named(4)), "other", 0, 1)}
    assert columns_of(proof) == {("tasks", "rows", None)}


async def test_a_missing_receipt_is_named(filled: TwoGenerations) -> None:
    """This includes the last one of a partition, which the progress still claims; nothing else differs."""
    (last,) = filled.rows("SELECT max(log_offset) FROM {db}.receipts WHERE log_partition = 0")[0]
    filled.alter(f"DELETE FROM {{db}}.receipts WHERE log_partition = 0 AND log_offset IN (1, {last})")

    proof = await filled.prove()

    assert between(proof) == [("receipts", "rows", 1, 0)] * 2
    assert {one.key["position"] for one in proof.differences} == {"0:1", f"0:{last}"}
    assert columns_of(proof) == {("receipts", "rows", None)}


async def test_a_receipt_that_both_generations_lack_is_named_in_each(filled: TwoGenerations) -> None:
    """Equal generations may both be incomplete; a proof of one with itself finds that as well."""
    for generation in (LIVE, PROVED):
        filled.alter("DELETE FROM {db}.receipts WHERE log_partition = 0 AND log_offset = 1", generation)

    proof, alone = await filled.prove(), await filled.prove(PROVED, PROVED)

    assert between(proof) == []
    for name, found in ((LIVE, proof), (PROVED, proof), (PROVED, alone)):
        assert inside(found, name) == [("receipts", "rows", 0, 1)]
    assert {one.key["position"] for one in proof.differences} == {"0:1"}
    assert columns_of(alone) == {("receipts", "rows", PROVED)}


@pytest.mark.parametrize("is_missing", [True, False])
async def test_a_dead_letter_too_few_or_too_many_is_named(filled: TwoGenerations, is_missing: bool) -> None:
    """It differs from the live generation and from its own receipts."""
    filled.alter(
        "DELETE FROM {db}.dead_letters WHERE (log_partition, log_offset) IN"
        " (SELECT min((log_partition, log_offset)) FROM {db}.dead_letters)"
        if is_missing
        else "INSERT INTO {db}.dead_letters SELECT * REPLACE (toUInt64(1) AS log_offset) FROM {db}.dead_letters LIMIT 1"
    )

    proof = await filled.prove()

    assert between(proof) == [("dead_letters", "rows", int(is_missing), int(not is_missing))]
    assert inside(proof) == [("dead_letters", "rows", int(not is_missing), int(is_missing))]


async def test_a_session_under_another_hour_is_one_session_that_changed(filled: TwoGenerations) -> None:
    """Its hour is in the table's key, but both rows are found and compared, even in different ranges."""
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (started_hour - INTERVAL 1 DAY AS started_hour)"
        f" FROM {{db}}.sessions FINAL WHERE session_id = '{named(0)}'"
    )
    filled.alter(
        f"DELETE FROM {{db}}.sessions WHERE session_id = '{named(0)}' AND started_hour IN"
        f" (SELECT started_hour FROM {filled.store.database}.sessions WHERE session_id = '{named(0)}')"
    )

    proof = await filled.prove()

    assert [(table, column) for table, column, _, _ in between(proof)] == [("sessions", "started_hour")]


async def test_a_generation_alone_agrees_with_itself(filled: TwoGenerations) -> None:
    """The proof of the live generation needs no other one."""
    proof = await filled.prove(LIVE, LIVE)

    assert proof.equal
    assert (proof.generation, proof.compared_with) == (LIVE, LIVE)
    assert in_words(proof)[0] == "g1 agrees with itself."
    assert proof.compared["facts"] > 0


async def test_nothing_is_claimed_of_a_generation_without_any_record(both: TwoGenerations) -> None:
    """The report says that nothing could be compared."""
    both.empty()
    await both.project(a_log(), LIVE)

    proof = await both.prove()

    assert proof.pins == [0] * 4
    assert proof.compared["facts"] == 0
    assert proof.moving["sessions"] == 10
    assert in_words(proof)[0].startswith("g2 can't be compared with g1 yet")


async def test_a_fold_that_differs_on_purpose_is_reviewed_by_its_report(
    both: TwoGenerations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report lists the intended sessions and columns, counts all of them, and has examples."""
    both.empty()
    log = a_log(30)
    await both.project(log, LIVE)

    def other_row(*args: Any) -> SessionRow:
        row = session_row(*args)
        return msgspec.structs.replace(row, title="of two", sensitive=True) if row.agent_name == "agent2" else row

    monkeypatch.setattr(plan, "session_row", other_row)
    await both.project(log, PROVED)

    proof = await both.prove()

    intended = {
        str(row[0]) for row in both.rows("SELECT session_id FROM {db}.sessions WHERE agent_name = 'agent2'", LIVE)
    }
    assert columns_of(proof) == {("sessions", "title", None), ("sessions", "sensitive", None)}
    assert {one.key["session_id"] for one in proof.differences} == intended
    assert len(intended) == 10
    assert [(count.rows, count.orgs) for count in proof.by_column] == [(10, 2)] * 2
    assert {(one.live, one.proved) for one in proof.differences} == {(None, "of two"), (False, True)}
    assert sum(count.rows for count in proof.by_day) == 10


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.part("volume"))])
async def test_what_is_projected_meanwhile_is_no_difference(both: TwoGenerations, seed: int) -> None:
    """While both generations grow, one after the other, every proof is equal; at the end nothing is moving."""
    both.empty()
    log, seen, proved = a_log(12, seed), [], asyncio.Semaphore(0)

    async def project() -> None:
        draw = random.Random(seed)
        pipelines = [new_pipeline(both.store, log, warehouse=both.warehouse(name)) for name in (LIVE, PROVED)]
        done, awaited = [0, 0], 0
        while min(done) < len(log):
            which = draw.randrange(2)
            until = done[which] + draw.randrange(1, 8)
            await pipelines[which].project(log[done[which] : until])
            done[which] = until
            while awaited < PROOFS_MEANWHILE * min(done) // len(log):  # a proof may be slower than all projection
                await proved.acquire()
                awaited += 1
        for pipeline in pipelines:
            await settle(pipeline)

    projecting = asyncio.create_task(project())
    while not projecting.done():
        seen.append(await both.prove())
        proved.release()
    await projecting
    rest = await both.prove()

    assert [proof.differences for proof in seen] == [[] for _ in seen]
    assert len(seen) >= PROOFS_MEANWHILE
    assert (rest.equal, rest.moving, rest.compared["sessions"]) == (True, {}, 12)


@pytest.mark.parametrize("writes", range(7))
async def test_a_batch_that_was_left_half_written_is_moving(both: TwoGenerations, behind: Kept, writes: int) -> None:
    """A crash of g2 after any number of its writes shows no difference."""
    both.restore(behind)
    await _crash(both, writes)

    assert (await both.prove()).differences == []


async def test_a_batch_that_comes_again_leaves_nothing_moving(both: TwoGenerations, behind: Kept) -> None:
    """Once it is projected again, the proof compares it."""
    both.restore(behind)
    await _crash(both, writes=4)
    half_written = await both.prove()
    await both.project(a_log(4), PROVED)

    rest = await both.prove()

    assert half_written.moving != {}
    assert (rest.equal, rest.moving) == (True, {})


async def _crash(both: TwoGenerations, writes: int) -> None:
    """Let g2 project the rest of the log of `behind`, and crash after that many writes."""
    sound = both.warehouse(PROVED)
    dying = CrashingWarehouse(sound._connect, sound._control, sound._generation)
    dying.crash_at(max(0, writes - 1), after=writes > 0)
    log = a_log(4)
    with pytest.raises(Crash):
        await (await new_pipeline(both.store, log, warehouse=dying).project(log[20:]))


@pytest.mark.parametrize(
    ("table", "live"),
    [
        *((table, LIVE) for table in ("facts", "receipts", "sessions", "tasks", "dead_letters")),
        *((table, PROVED) for table in ("facts", "receipts", "dead_letters")),
    ],
)
async def test_a_difference_counts_only_when_a_second_reading_confirms_it(
    filled: TwoGenerations, table: str, live: str
) -> None:
    """A row that is missing only in the first reading, as during a repair, is not a difference, nor a contradiction."""
    filled.alter(f"DELETE FROM {{db}}.{table} WHERE log_partition < 100")
    pauses = 0

    async def heal() -> None:
        nonlocal pauses
        pauses += 1
        filled.alter(f"INSERT INTO {{db}}.{table} SELECT * FROM {filled.store.database}.{table} FINAL")

    assert (await filled.prove(live=live, pause=heal)).equal
    assert pauses > 0


async def test_the_lists_are_cut_but_all_rows_are_counted(
    filled: TwoGenerations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there are more differences than the list shows, the counts by column and day still cover all."""
    monkeypatch.setattr("generations.prove.proof.LISTED_MAX", 5)
    filled.alter("TRUNCATE TABLE {db}.tasks")

    proof = await filled.prove()

    tasks = filled.rows("SELECT count() FROM {db}.tasks FINAL", LIVE)[0][0]
    assert (len(proof.differences), proof.truncated) == (5, True)
    assert [(count.column, count.rows, count.orgs) for count in proof.by_column] == [("rows", tasks, 2)]
    assert sum(count.rows for count in proof.by_day) == tasks > 5
    assert any("list of differences is cut" in line for line in in_words(proof))


async def test_each_changed_column_of_each_table_is_named(both: TwoGenerations) -> None:
    """Every known column is compared, even if only a NULL becomes a default; no other column is named."""
    both.empty()
    await both.project(a_log(60))
    planted: dict[tuple[str, ...], tuple[str, str]] = {}
    for table in ALL:
        others = sorted(set(table.columns) - set(table.key) - {"is_deleted", "is_erased"})  # such rows are not visible
        keys = _keys(both, table)[: len(others)]
        both.alter(
            f"DELETE FROM {{db}}.{table.name} WHERE ({', '.join(table.key)}) IN ({', '.join(map(_tuple, keys))})"
        )
        for column, key in zip(others, keys, strict=True):
            both.alter(
                f"INSERT INTO {{db}}.{table.name} SELECT * REPLACE ({_other_value(table, column)} AS {column})"
                f" FROM {both.store.database}.{table.name} FINAL WHERE ({', '.join(table.key)}) = {_tuple(key)}"
            )
            planted[table.name, *key] = table.name, column

    found = between(await both.prove())

    assert sorted((table, column) for table, column, _, _ in found) == sorted(planted.values())
    assert len(found) > 90
    assert all(live != proved for _, _, live, proved in found)


def _keys(both: TwoGenerations, table: Table) -> list[tuple[str, ...]]:
    """Return keys of rows; those of facts whose position may grow and stays below the pins."""
    names = ", ".join(f"toString({name})" for name in table.key)
    ends = "(SELECT max(log_offset) AS ends FROM {db}.receipts GROUP BY log_partition)"
    below = f"WHERE log_partition < 3 AND log_offset + 1 < (SELECT min(ends) FROM {ends})" if table is FACTS else ""
    found = both.rows(f"SELECT {names} FROM {{db}}.{table.name} FINAL {below}")
    return [tuple(f"'{part}'" for part in row) for row in found]


def _tuple(key: tuple[str, ...]) -> str:
    return f"({', '.join(key)})"


def _other_value(table: Table, column: str) -> str:
    """Return an expression for another value of a column; a NULL becomes a default."""
    special = {
        "models": "arrayPushBack(models, ('~', 1, 1, 1, 1, 1, 1, 'reported'))",
        "amounts.models": "arrayPushBack(models, ('~', 1, 1, 1, 1, 1, 1))",
        "measured": "arrayPushBack(measured, ('~', 1, 1, 1, 1, 1, 1, 'measured'))",
        "agents": "arrayPushBack(agents, ('~', '~', 1, 1, 1))",
        "tools": "arrayPushBack(tools, ('~', 1, 1, 1))",
        "first_prompts": "arrayPushBack(first_prompts, '')",
        "redactions": "map('~', 1)",
        "data": "concat(data, ' ')",
        "place": "place + 10000",  # in the same record, and not another fact's
    }
    kind = str(table.kinds[column])
    if found := special.get(f"{table.name}.{column}", special.get(column)):
        return found
    if "UUID" in kind:
        return "generateUUIDv4()"
    if "bool" in kind:
        return f"NOT {column}"
    if "int" in kind:
        return f"if({column} IS NULL, 0, assumeNotNull({column}) + 1)"
    return f"if({column} IS NULL, '', concat(assumeNotNull({column}), '~'))"


async def test_an_id_that_counts_twice_everywhere_is_noticed(filled: TwoGenerations) -> None:
    """This holds even if facts, session and receipt agree, as with a fold that forgets an id."""
    fact = f"FROM {{db}}.facts FINAL WHERE session_id = '{named(0)}' AND event_type = 'Stop'"
    for table, changed, which in (
        ("receipts", "facts + 1 AS facts, added + 1 AS added", f"log_offset = (SELECT min(log_offset) {fact})"),
        ("sessions", "events + 1 AS events", "1"),
    ):
        filled.alter(
            f"INSERT INTO {{db}}.{table} SELECT * REPLACE ({changed}) FROM {{db}}.{table} FINAL"
            f" WHERE session_id = '{named(0)}' AND {which}"
        )
    filled.alter(
        f"INSERT INTO {{db}}.facts SELECT * REPLACE (place + 100 AS place, log_index + 100 AS log_index)"
        f" {fact} ORDER BY place LIMIT 1"
    )

    proof = await filled.prove(live=PROVED)

    assert [one for one in inside(proof) if one[0] not in ("rollup_quarters", "rollup_days")] == [
        ("sessions", "facts", 29, 28)
    ]
    assert any(
        line.startswith("g2: sessions.facts differs from its recount in 1 session of") for line in in_words(proof)
    )


@pytest.fixture(scope="module")
def with_words(both: TwoGenerations) -> Kept:
    """Make two equal generations of sessions with prompts."""
    log = worked_on(1, 2)
    log.add(*(recorded(named(n), hook("UserPromptSubmit", prompt="some words")) for n in range(2)))
    return filled_with(both, log.records)


async def test_words_of_events_are_compared_where_both_have_them(both: TwoGenerations, with_words: Kept) -> None:
    """Those that an earlier version did not make are no difference; other words in the same fact are one."""
    both.restore(with_words)
    words = "(SELECT max(log_offset) FROM {db}.facts WHERE words != '')"
    both.alter("ALTER TABLE {db}.facts UPDATE words = '' WHERE 1 SETTINGS mutations_sync = 2", LIVE)
    assert {one.column for one in (await both.prove()).differences} == {"words"}
    both.alter("ALTER TABLE {db}.receipts UPDATE has_words = false WHERE 1 SETTINGS mutations_sync = 2", LIVE)
    assert (await both.prove()).equal

    both.restore(with_words)
    both.alter(f"ALTER TABLE {{db}}.facts UPDATE words = ' x ' WHERE log_offset = {words} SETTINGS mutations_sync = 2")
    assert {(one.table, one.column) for one in (await both.prove()).differences} == {("facts", "words")}
