"""Dead letters are shown with their bytes, redriven unchanged or corrected, and counted once."""

import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import clickhouse_connect
import httpx
import msgspec
import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from ingest.privacy.policy import Privacy
from ingest.privacy.redaction import Effort
from runtime.services.composition import ReadSide, WriteSide, compose
from schemas.ids import mint, new_thread
from schemas.log.codec import encode
from schemas.log.price import Price
from schemas.log.records import AnyRecord, Erased, MetricsReport, ModelUsage
from schemas.log.topics import record_key
from schemas.permissions import OPERATOR_ORG, Role
from store.reading.reader import ClickHouseReader
from tests.support.builders import ORG, SECRETS, T0, compaction_requested, created, ended, hook, prices_loaded, recorded
from tests.support.builders import session_id as named
from tests.support.clients.in_process import in_process
from tests.support.corpora.canaries import CANARIES, Canary, fill
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TestStore

KEY = b"a secret of at least 32 bytes, for tests"
SESSION = named("dead letters")
PRICE = Price("mine", 0, 1, 2, 3, 4, 5)
PATH = "operator/dead-letters"


class Whole:
    """Both route sets over one log and one store, with the projector between them."""

    def __init__(self, store: TestStore) -> None:
        self._registry = CollectorRegistry()
        self.store, self.log = store, FakeEventLog(partitions=4)
        self.reader = ClickHouseReader(self._connect, store.address.control)
        write = WriteSide(self.log, SECRETS, lambda: T0, Privacy(frozenset({"quiet"})))
        verifier = TokenVerifier([shared_secret(KEY)])
        self.app = compose(verifier, write, ReadSide(self.reader, SECRETS), self._registry)

    @property
    def cut(self) -> Counter[str]:
        """Return the number of redacted secrets of each rule in the metrics."""
        (found,) = (metric for metric in self._registry.collect() if metric.name == "crewkit_ingest_redactions")
        return Counter({s.labels["rule"]: int(s.value) for s in found.samples if s.name.endswith("_total")})

    async def add(self, record: AnyRecord, key: bytes | None = None) -> str:
        """Append a record directly to the log; return its position."""
        return str(await self.log.append(key or record_key(record.session_id), encode(record)))

    async def add_bytes(self, value: bytes) -> str:
        return str(await self.log.append(record_key(SESSION), value))

    async def project(self) -> None:
        """Project the whole log."""
        ends = await self.log.ends()
        records = [r for p, end in enumerate(ends) for r in await self.log.read(p, 0, end, 1 << 30)]
        pipeline = new_pipeline(self.store, records)
        await pipeline.project(records)
        await settle(pipeline)

    async def send(self, method: str, path: str, *, role: Role = "operator", **request: Any) -> httpx.Response:
        """Send a request of an operator, or of a member of the org."""
        org = OPERATOR_ORG if role == "operator" else ORG
        headers = {"Authorization": f"Bearer {issue_token(KEY, 'olga', org, role, 600, time.time())}"}
        async with in_process(self.app, headers=headers) as client:
            return await client.request(method, f"/api/v1/{path}", **request)

    async def redrive(self, position: str, **body: Any) -> httpx.Response:
        return await self.send("POST", f"{PATH}/{position}/redrive", json=body)

    async def letters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.send("GET", PATH)).json()["data"]
        return found

    async def after(self, position: str) -> bytes:
        """Return every record of the partition after that position."""
        partition, offset = map(int, position.split(":"))
        return b"\n".join(r.value or b"" for r in await self.log.read(partition, offset + 1, 1 << 40, 1 << 30))

    def _connect(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


@pytest.fixture
async def whole(emptied_store: TestStore) -> AsyncIterator[Whole]:
    running = Whole(emptied_store)
    yield running
    running.reader.close()


def plain(record: AnyRecord) -> dict[str, Any]:
    """Return the record as an operator would write it."""
    found: dict[str, Any] = msgspec.json.decode(encode(record))
    return found


def a_batch(version: int = 1) -> AnyRecord:
    """Return two events of the session, in a record with a new id."""
    events = [hook("PreToolUse", event_id=UUID(int=n, version=4), tool_name="Bash", tool_use_id="t1") for n in (1, 2)]
    return recorded(SESSION, *events, record_id=UUID(int=77, version=4), v=version)


async def test_dead_letters_are_listed_and_shown_with_their_bytes(whole: Whole) -> None:
    """The newest is first, with its reason; bytes are base64, text if they are text, and in no browser's cache."""
    garbage = await whole.add_bytes(b"\x00\xffgarbage")
    unknown = await whole.add(a_batch(version=9))
    await whole.project()

    listed = await whole.letters()
    replies = [await whole.send("GET", f"{PATH}/{position}") for position in (garbage, unknown)]

    shown = [reply.json()["data"] for reply in replies]
    assert {reply.headers["Cache-Control"] for reply in replies} == {"no-store"}
    assert [letter["position"] for letter in listed] == [unknown, garbage]
    assert "version 9" in listed[0]["reason"]
    assert listed[1] == {
        "position": garbage,
        "logged_at": "2026-01-20T10:30:00.000Z",
        "reason": shown[0]["reason"],
        "size": 9,
        "redriven_to": [],
    }
    assert base64.b64decode(shown[0]["value_base64"]) == b"\x00\xffgarbage"
    assert base64.b64decode(shown[0]["key_base64"]) == record_key(SESSION)
    assert shown[0]["text"] is None
    assert msgspec.json.decode(shown[1]["text"]) == plain(a_batch(version=9))


@pytest.mark.fault(row=15)
async def test_a_record_under_the_wrong_key_is_redriven_as_it_is(whole: Whole) -> None:
    """It was dead for its partition and counts in the right one; the letter stays and names the new position."""
    await whole.add(created(SESSION, fact_id=UUID(int=5, version=4), run_id=UUID(int=6, version=4)))
    dead = await whole.add(a_batch(), key=b"another key that is none")
    await whole.project()

    reply = await whole.redrive(dead)
    again = await whole.redrive(dead)
    await whole.project()

    assert reply.status_code == 202, reply.text
    to, and_to = reply.json()["data"]["redriven_to"], again.json()["data"]["redriven_to"]
    assert reply.headers["X-Log-Position"] == reply.json()["meta"]["position"] == to
    assert [letter["redriven_to"] for letter in await whole.letters()] == [sorted((to, and_to))]
    session = await whole.send("GET", f"{ORG}/sessions/{SESSION}", role="owner")
    assert session.json()["data"]["counts"] | {"tasks": 0} == {
        **dict.fromkeys(("prompts", "tool_errors", "tasks", "subagents", "compactions", "unknown_events"), 0),
        "events": 2,
        "tool_calls": 1,
    }


async def test_prices_are_projected_to_a_receipt_alone_and_never_redriven(whole: Whole) -> None:
    """They have no session and no facts; redriving them would load prices without the checks of a load."""
    good = await whole.add(prices_loaded(PRICE, record_id=UUID(int=5, version=4)))
    dead = await whole.add(prices_loaded(PRICE, record_id=UUID(int=6, version=4)), key=b"another key that is none")
    await whole.project()

    replies = [
        await whole.redrive(dead),
        await whole.redrive(dead, record=plain(prices_loaded(PRICE, PRICE, record_id=UUID(int=6, version=4)))),
    ]

    for reply in replies:
        assert reply.status_code == 422
        assert "prices load" in reply.json()["details"]["record"][0]
    (receipt,) = whole.store.rows("SELECT * EXCEPT stored_at FROM {db}.receipts FINAL WHERE outcome = 'projected'")
    assert f"{receipt['log_partition']}:{receipt['log_offset']}" == good
    assert (receipt["org_id"], receipt["kind"]) == ("operator", "prices_loaded")
    assert (receipt["facts"], receipt["added"]) == (0, 0)
    for table in ("facts", "sessions", "amounts", "rollups"):
        assert whole.store.rows(f"SELECT * FROM {{db}}.{table}") == []
    assert (await whole.send("GET", "operator/coverage")).json()["data"]["complete"]
    assert (await whole.send("GET", "operator/recount")).json()["data"]["equal"]


@pytest.mark.fault(row=15)
async def test_a_record_is_corrected_but_stays_the_record_it_was(whole: Whole) -> None:
    """A readable correction with the same id is appended; another id or an unreadable correction is refused."""
    dead = await whole.add(a_batch(version=9))
    await whole.project()
    right = plain(a_batch())

    unchanged = await whole.redrive(dead)
    another = await whole.redrive(dead, record={**right, "record_id": str(UUID(int=78, version=4))})
    hopeless = await whole.redrive(dead, record={"kind": "events_recorded"})
    corrected = await whole.redrive(dead, record=right)
    await whole.project()

    assert [reply.status_code for reply in (unchanged, another, hopeless, corrected)] == [422, 422, 422, 202]
    assert "version 9" in unchanged.json()["details"]["record"][0]
    assert another.json()["details"] == {"record.record_id": [f"must stay {UUID(int=77, version=4)}"]}
    assert whole.store.rows("SELECT count() AS n FROM {db}.facts FINAL") == [{"n": 2}]
    (stored,) = await whole.log.read(*_place(corrected.json()["data"]["redriven_to"]), 1 << 30)
    assert msgspec.json.decode(stored.value or b"")["redrive"] == {"position": dead, "by": "olga", "at": T0}


THIRDS = [CANARIES[nth::3] for nth in range(3)]  # all of them take a redrive longer than it may take on a busy machine


def canary_records(canaries: Sequence[Canary]) -> list[AnyRecord]:
    """Return records with each of the canaries in every text, even in texts that clients can't write."""
    text = "\n".join(canary.written for canary in canaries)
    data = {"prompt": text, "tool_input": {"deep": [{text: text}]}, "nested": json.dumps([text])}
    records: list[AnyRecord] = [
        recorded(SESSION, *(hook(kind, event_id=UUID(int=9, version=4), **data) for kind in ("Stop", text))),
        created(SESSION, title=text, branch=text, agent_name=text, trigger=text, run_id=UUID(int=6, version=4)),
        ended(SESSION, summary=text, report=MetricsReport((ModelUsage(text, 1),))),
        compaction_requested(SESSION, instructions=text),
    ]
    return [
        structs.replace(record, record_id=UUID(int=n, version=4), source=text) for n, record in enumerate(records, 50)
    ]


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("nth", range(4))
@pytest.mark.parametrize("canaries", THIRDS, ids=("first", "second", "third"))
async def test_no_secret_comes_back_with_a_redriven_record(
    whole: Whole, canaries: Sequence[Canary], nth: int, corrected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redrive redacts letters from the topic and corrections of operators like any write."""
    monkeypatch.setattr(Effort, "check", lambda _: None)  # slow on a busy machine, for all rules at once
    record = canary_records(canaries)[nth]
    letter = b"garbage" if corrected else encode(record)
    dead = str(await whole.log.append(record_key(SESSION), letter))

    reply = await whole.redrive(dead, **({"record": plain(record)} if corrected else {}))
    again = await whole.redrive(reply.json()["data"]["redriven_to"])

    assert (reply.status_code, again.status_code) == (202, 202)
    first, second = (msgspec.json.decode(value) for value in (await whole.after(dead)).splitlines())
    logged = await whole.after(dead)
    assert [
        c.text for c in canaries if c.secret.encode() in logged or json.dumps(c.secret)[1:-1].encode() in logged
    ] == []
    counted = first.get("events", [first])
    assert set().union(*(one["redactions"] for one in counted)) == {canary.rule for canary in canaries}
    assert whole.cut == sum((Counter(one["redactions"]) for one in counted), Counter())
    assert {**second, "redrive": None} == {**first, "redrive": None}


@pytest.mark.parametrize("how", ["sensitive", "an org without content"])
async def test_a_redriven_record_keeps_no_content_where_none_may_be_kept(whole: Whole, how: str) -> None:
    """Metadata stays, as for a record that came as a request."""
    org = "quiet" if how != "sensitive" else ORG
    session = mint(SECRETS, "session", org, new_thread(None), how == "sensitive", None)
    events = [hook("Stop", event_id=UUID(int=9, version=4), tool_name="Bash", note="quince"), hook("a quince")]
    records: list[AnyRecord] = [
        recorded(session, *events, org_id=org, record_id=UUID(int=70, version=4)),
        created(session, org_id=org, title="quince", branch="quince", agent_name="reviewer"),
        ended(session, org_id=org, summary="quince"),
        compaction_requested(session, org_id=org, instructions="quince"),
    ]
    dead = [str(await whole.log.append(b"no session", encode(record))) for record in records]
    garbage = str(await whole.log.append(b"no session", b"garbage"))

    replies = [await whole.redrive(position) for position in dead]
    replies += [await whole.redrive(garbage, record=plain(record)) for record in records]

    assert [reply.status_code for reply in replies] == [202] * 8
    logged = [await whole.log.read(*_place(reply.json()["data"]["redriven_to"]), 1 << 30) for reply in replies]
    values = [record.value or b"" for (record,) in logged]
    assert b"quince" not in b"".join(values)
    assert b'"tool_name":"Bash"' in values[0]
    assert b'"agent_name":"reviewer"' in values[1]


async def test_counts_of_a_redriven_record_are_of_rules_alone(whole: Whole) -> None:
    """Its earlier redactions still count; an unknown rule name is left out, since it could be a secret."""
    token = f"ghp_{fill(36)}"
    letter = structs.replace(ended(SESSION, summary=token), redactions={"jwt": 2, token: 1, "github_token": 1})
    dead = await whole.add(letter, key=b"no session")

    reply = await whole.redrive(dead)

    (stored,) = await whole.log.read(*_place(reply.json()["data"]["redriven_to"]), 1 << 30)
    assert msgspec.json.decode(stored.value or b"")["redactions"] == {"jwt": 2, "github_token": 2}
    assert whole.cut == {"github_token": 1}


async def test_an_erased_record_is_not_redriven(whole: Whole) -> None:
    """Not even corrected: a record that was erased does not come back under its position, and no stub is appended."""
    stub = Erased(v=1, erasure=UUID(int=9, version=4), org_id=ORG, session_id=SESSION)
    position, garbage = await whole.add_bytes(encode(stub)), await whole.add_bytes(b"garbage")

    replies = [
        await whole.redrive(position),
        await whole.redrive(position, record=plain(a_batch())),
        await whole.redrive(garbage, record=msgspec.json.decode(encode(stub))),
    ]

    assert [reply.status_code for reply in replies] == [422] * 3
    assert [[*reply.json()["details"]] for reply in replies] == [["position"], ["position"], ["record"]]
    assert await whole.after(garbage) == b""


async def test_a_redriven_record_must_fit_into_every_log(whole: Whole) -> None:
    """A too large record is a 422 with its field, since a 503 would be retried endlessly; no secret is repeated."""
    token = f"ghp_{fill(36)}"
    dead = await whole.add_bytes(b"garbage")

    large = await whole.redrive(dead, record=plain(ended(SESSION, summary="x" * 1_500_000)))
    unknown = await whole.redrive(dead, record={"kind": token})

    assert (large.status_code, unknown.status_code) == (422, 422)
    assert large.json()["details"] == {"record": ["is larger than 1500000 bytes"]}
    assert token not in unknown.text
    assert await whole.after(dead) == b""


@pytest.mark.parametrize("position", ["0:99", "9:0", "99999:0", "x", "1:-1", "01:0"])
async def test_a_position_that_is_none_is_not_found(whole: Whole, position: str) -> None:
    """Reading and redriving it give the same error as the list."""
    shown = await whole.send("GET", f"{PATH}/{position}")
    redriven = await whole.redrive(position)

    assert (shown.status_code, redriven.status_code) == (404, 404)


def _place(position: str) -> tuple[int, int, int]:
    partition, _, offset = position.partition(":")
    return int(partition), int(offset), int(offset) + 1
