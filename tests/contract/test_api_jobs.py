"""API section "Operations": jobs that operators request, and the generations that they concern, on `up` and `stack`."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import msgspec
import pytest

from edge.tokens import issue_token
from generations.jobs.table import add_job_event, new_job
from runtime.settings.secrets import token_key
from schemas.permissions import OPERATOR_ORG
from store.generations import NO_JOB, Generation, add_generation_event
from store.reading.reader import open_reader
from store.sql import read_sql
from tests.support.clients.in_process import in_process
from tests.support.rigs.installation import Installation
from tests.support.rigs.query_store import _JWT_KEY, QueryApi
from tests.support.rigs.store import TestStore
from tests.support.waiting import eventually

FORMER = "/api/v1/operator/requests"
JOBS, GENERATIONS = "/api/v1/operator/jobs", "/api/v1/operator/generations"
UNKNOWN = "9b2f0000-0000-4000-8000-000000000000"
JOB = {
    *("id", "kind", "generation", "state", "requested_by", "requested_at", "rate", "accept_differences", "taken"),
    *("progress", "waits_for", "finished_at", "results", "reason"),
}
GENERATION = {
    *("name", "state", "paused", "fold_version", "prices_sha256", "made_at", "facts", "lag_records", "partitions"),
    *("switches", "proof"),
}
PRICE = '[[price]]\nmodel = "mine"\nfrom = 2026-01-01\ninput = 1\noutput = 2\n'
CHANGING = {"facts", "lag_records", "partitions"}


@pytest.fixture
def operator(installation: Installation) -> Iterator[httpx.Client]:
    """Return a client of an operator."""
    with installation.client("operator", OPERATOR_ORG, "olga") as client:
        yield client


def repaired(operator: httpx.Client) -> dict[str, Any]:
    """Request a repair once no other is running; return it when it has ended."""
    accepted = eventually(lambda: (reply := operator.post(JOBS, json={"kind": "repair"})).is_success and reply)
    assert accepted.status_code == 202
    return ended(operator, accepted.json()["data"]["id"])


def ended(operator: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return a job when it has ended: other tests may have requested some before it."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = operator.get(f"{JOBS}/{job_id}").json()["data"]
        return found if found["state"] in ("done", "failed") else None

    return eventually(look, within_s=60)


@pytest.fixture(scope="module")
def finished(installation: Installation) -> dict[str, Any]:
    """Return a repair that has ended."""
    with installation.client("operator", OPERATOR_ORG, "olga") as client:
        return repaired(client)


def test_work_is_requested_taken_up_and_done(operator: httpx.Client, installation: Installation) -> None:
    """The reply means that the job is recorded; projectors take it up, and report for each of their partitions."""
    accepted = eventually(lambda: (reply := operator.post(JOBS, json={"kind": "repair"})).is_success and reply)
    asked = accepted.json()["data"]

    assert (accepted.status_code, accepted.json()["meta"]) == (202, {})
    assert "X-Log-Position" not in accepted.headers
    assert set(asked) == JOB
    assert (asked["kind"], asked["generation"], asked["requested_by"]) == ("repair", "g1", "olga")
    assert (asked["rate"], asked["accept_differences"], asked["reason"], asked["results"]) == (0, False, None, [])

    done = ended(operator, asked["id"])
    partitions = [partition for taken in done["taken"] for partition in taken["partitions"]]
    assert sorted(partitions) == list(range(1 if installation.kind == "up" else 4))
    assert len(done["results"]) == len(done["taken"])
    assert done["results"][0].keys() == {"positions", "sessions", "buckets"}
    assert done["requested_at"] <= done["taken"][0]["at"] <= done["finished_at"]
    assert (done["state"], done["waits_for"], done["reason"]) == ("done", None, None)


def test_jobs_are_listed_the_newest_first(operator: httpx.Client, finished: dict[str, Any]) -> None:
    """The list is paged, and its entries equal the single jobs."""
    first, second = finished, repaired(operator)

    whole = operator.get(JOBS, params={"per_page": 100}).json()
    ids = [job["id"] for job in whole["data"]]
    page = operator.get(JOBS, params={"per_page": 1, "page": 2}).json()
    beyond = operator.get(JOBS, params={"page": 1_000}).json()

    assert ids.index(second["id"]) < ids.index(first["id"])
    assert [job for job in whole["data"] if job["id"] == first["id"]] == [first]
    assert page["data"] == whole["data"][1:2]
    assert page["meta"]["current_page"] == 2
    assert page["meta"]["total_count"] == page["meta"]["total_pages"] == whole["meta"]["total_count"] >= 2
    assert beyond["data"] == []
    for bad in ({"per_page": 0}, {"per_page": 101}, {"page": 0}, {"kind": "repair"}):
        assert operator.get(JOBS, params=bad).status_code == 422, bad


@pytest.mark.only_on("up")  # `stack` has the same routes
def test_the_former_path_answers_the_same(operator: httpx.Client, finished: dict[str, Any]) -> None:
    """Jobs were called requests: scripts with that path see the same jobs, and create the same."""
    live = {"kind": "switch", "generation": "g1"}

    for path in ("", f"/{finished['id']}", "?per_page=1&page=2", f"/{UNKNOWN}", "?page=0"):
        assert said(operator.get(f"{FORMER}{path}")) == said(operator.get(f"{JOBS}{path}"))
    assert said(operator.post(FORMER, json=live)) == said(operator.post(JOBS, json=live))
    created = operator.post(FORMER, json={"kind": "repair"})

    assert (created.status_code, set(created.json()["data"])) == (202, JOB)
    assert ended(operator, created.json()["data"]["id"])["state"] == "done"


def said(reply: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Return the status and the body, without the id of the request."""
    return reply.status_code, {name: value for name, value in reply.json().items() if name != "request_id"}


def test_a_job_that_ended_is_not_sent_twice(operator: httpx.Client, finished: dict[str, Any]) -> None:
    """Its ETag stays the same, and includes the generation."""
    path = f"{JOBS}/{finished['id']}"
    reply = operator.get(path)

    again = operator.get(path, headers={"If-None-Match": reply.headers["ETag"]})
    other = operator.get(path, headers={"If-None-Match": 'W/"other"'})

    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)
    assert "X-Complete-Through" in again.headers


def test_the_generations_say_how_far_they_are(operator: httpx.Client, installation: Installation) -> None:
    """The first generation is live from the beginning, without a job."""
    (found,) = operator.get(GENERATIONS).json()["data"]

    assert set(found) == GENERATION
    assert (found["name"], found["state"], found["paused"]) == ("g1", "live", False)
    assert found["proof"] is None or found["proof"]["equal"]  # by another test
    assert [switch["requested_by"] for switch in found["switches"]] == [None]
    assert found["made_at"] <= found["switches"][0]["at"]
    assert len(found["partitions"]) == (1 if installation.kind == "up" else 4)
    for partition in found["partitions"]:
        assert partition.keys() == {"partition", "log_end", "projected", "complete_through"}
        assert 0 <= partition["projected"] <= partition["log_end"]


@pytest.mark.only_on("up")  # `stack` has the same routes
@pytest.mark.parametrize("path", [f"{JOBS}/{UNKNOWN}", f"{JOBS}/x", f"{GENERATIONS}/g9/proof"])
def test_what_is_not_there_is_a_404(operator: httpx.Client, path: str) -> None:
    """An id of the wrong format is unknown; so is a generation without a proof."""
    reply = operator.get(path)

    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.only_on("up")  # `stack` has the same routes
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "destroy", "generation": "g1"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"kind": "switch", "generation": "g1", "force": True}, "force"),
        ({"kind": "pause"}, "generation"),
        ({"kind": "pause", "generation": ""}, "generation"),
        ({"kind": "drop", "generation": None}, "generation"),
        ({"kind": "drop", "generation": 1}, "generation"),
        ({"kind": "drop", "generation": "g" * 65}, "generation"),
        ({"kind": "drop", "generation": "g\t1"}, "generation"),
        ({"kind": "prove", "generation": "g1", "rate": 5}, "rate"),
        ({"kind": "replay", "generation": "g2", "rate": -1}, "rate"),
        ({"kind": "replay", "generation": "g2", "rate": 1.5}, "rate"),
        ({"kind": "drop", "generation": "g2", "accept_differences": True}, "accept_differences"),
        ({"kind": "repair", "prices": PRICE}, "prices"),
        ({"kind": "repair", "new_generations_only": True}, "new_generations_only"),
        ({"kind": "prices"}, "prices"),
        ({"kind": "prices", "prices": PRICE.replace("input", "inputs")}, "prices"),
        ({"kind": "prices", "prices": PRICE + "#" * 30_000}, "prices"),
        ({"kind": "prices", "prices": PRICE, "generation": "g1"}, "generation"),
    ],
)
def test_a_body_that_makes_no_sense_is_a_422(operator: httpx.Client, body: Mapping[str, object], field: str) -> None:
    """The field is named, and nothing is requested."""
    before = stable(operator)

    reply = operator.post(JOBS, json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "invalid"), reply.text
    assert list(reply.json()["details"]) == [field]
    assert stable(operator) == before


@pytest.mark.only_on("up")  # `stack` has the same routes
def test_a_body_that_is_no_json_is_a_400(operator: httpx.Client) -> None:
    """Other content types are a 415."""
    headers = {"Content-Type": "application/json"}

    assert operator.post(JOBS, content=b"{", headers=headers).status_code == 400
    assert operator.post(JOBS, content=b"kind=drop", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.only_on("up")  # `stack` has the same routes
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "switch", "generation": "g1"}, "g1 is live already"),
        ({"kind": "drop", "generation": "g1"}, "g1 is live: switch to another generation first"),
        ({"kind": "resume", "generation": "g1"}, "g1 is not paused"),
        ({"kind": "prove", "generation": "g9"}, "there is no generation g9 (known: g1)"),
        ({"kind": "repair", "generation": "g9"}, "there is no generation g9 (known: g1)"),
        ({"kind": "replay", "generation": "g1"}, "g1 already exists (live)"),
        ({"kind": "replay", "generation": "G2"}, "'G2' is not a generation name"),
        ({"kind": "replay", "generation": "g2`; DROP"}, "is not a generation name"),
    ],
)
def test_a_refused_job_changes_nothing(operator: httpx.Client, body: Mapping[str, str], words: str) -> None:
    """The error is one sentence that says what to do; jobs and generations stay as before."""
    before = stable(operator)

    reply = operator.post(JOBS, json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "refused"), reply.text
    assert words in reply.json()["error"]
    assert words in reply.json()["details"]["generation"][0]
    assert stable(operator) == before


def stable(operator: httpx.Client) -> tuple[Any, Any]:
    """Return the number of jobs, and the fields of generations that do not change by themselves."""
    found = operator.get(GENERATIONS).json()["data"]
    return (
        operator.get(JOBS).json()["meta"]["total_count"],
        [{name: value for name, value in generation.items() if name not in CHANGING} for generation in found],
    )


@pytest.mark.parametrize("role", ["owner", "admin", "manager", "member", "viewer", "agent", "unknown"])
def test_no_other_role_may(installation: Installation, role: str) -> None:
    """A token of an org can't see the routes; even a token with the reserved org's name needs the role."""
    for org, refused in (("acme", {401, 403, 404}), (OPERATOR_ORG, {401, 403})):
        token = issue_token(token_key(installation.data / "secrets"), "eve", org, role, 60, time.time())  # type: ignore[arg-type]  # a role
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=installation.url, headers=headers, trust_env=False) as client:
            replies = [client.post(JOBS, json={"kind": "repair"})]
            paths = (JOBS, f"{JOBS}/{UNKNOWN}", GENERATIONS, f"{GENERATIONS}/g1/proof")
            replies += [client.get(path) for path in paths]
        assert {reply.status_code for reply in replies} <= refused, [reply.text for reply in replies]


def test_without_a_token_nothing_opens(installation: Installation) -> None:
    """The response is 401 for any body."""
    with httpx.Client(base_url=installation.url, trust_env=False) as client:
        replies = [client.post(JOBS, content=b"{"), client.get(JOBS), client.get(GENERATIONS)]

    assert {reply.status_code for reply in replies} == {401}


class InProcess:
    """The routes in front of a test's own store, which has g1 (live), g2 (following) and g3 (dropped)."""

    def __init__(self, store: TestStore) -> None:
        self.store, self.reader = store, open_reader(store.address)
        self.app = QueryApi(self.reader).app
        store.client.database = store.address.control
        for name, event in (("g2", "created"), ("g3", "created"), ("g3", "dropped")):
            self.note(name, event)
        store.client.command(f"CREATE DATABASE {store.address.database('g2')}")
        for table in ("progress", "rollup_progress", "facts", "erased"):
            made = f"{store.address.database('g2')}.{table}"
            store.client.command(f"CREATE TABLE {made} AS {store.database}.{table}")
        store.client.command(
            f"INSERT INTO {store.address.database('g2')}.progress (log_partition, projected, log_end, complete_through)"
            " SELECT number, 5, 5, now64(3) FROM numbers(4)"
        )

    def note(self, name: str, event: str) -> None:
        """Record an event of a generation."""
        add_generation_event(self.store.client, Generation(name, self.store.partitions), event)

    def prove(self, *, equal: bool) -> None:
        """Record a proof of g2 against g1."""
        row = {"generation": "g2", "compared_with": "g1", "request": NO_JOB, "equal": equal, "report": "{}"}
        self.store.client.command(read_sql("generations", "add_proof"), parameters=row)

    async def post(self, **body: object) -> httpx.Response:
        """Request a job as an operator."""
        token = issue_token(_JWT_KEY, "olga", OPERATOR_ORG, "operator", 600, time.time())
        async with in_process(self.app) as client:
            return await client.post(JOBS, json=body, headers={"Authorization": f"Bearer {token}"})

    def tables(self) -> list[object]:
        """Return every row of the control database that jobs may add."""
        return [
            self.store.client.query(f"SELECT * FROM {self.store.address.control}.{table} ORDER BY ALL").result_rows
            for table in ("requests", "generations", "proofs")
        ]


@pytest.fixture
def routes(store: TestStore) -> Iterator[InProcess]:
    """Return the routes in front of a store of this test."""
    made = InProcess(store)
    yield made
    made.reader.close()
    store.client.command(f"DROP DATABASE {store.address.database('g2')} SYNC")


async def test_no_refusal_writes_a_row(routes: InProcess) -> None:
    """An unproved generation, a proof with differences, a paused or dropped generation, and a repeated job."""
    refused = [
        (await _refused(routes, kind="switch", generation="g2"), "g2 is not proved"),
        (await _refused(routes, kind="switch", generation="g3"), "g3 was dropped"),
        (await _refused(routes, kind="replay", generation="g3"), "g3 already exists (dropped)"),
        (await _refused(routes, kind="resume", generation="g2"), "g2 is not paused"),
    ]
    routes.prove(equal=False)
    refused.append((await _refused(routes, kind="switch", generation="g2"), "found differences"))
    routes.note("g2", "paused")
    refused.append((await _refused(routes, kind="pause", generation="g2"), "g2 is paused already"))
    refused.append(
        (await _refused(routes, kind="switch", generation="g2", accept_differences=True), "g2 is paused: `resume g2`")
    )
    add_job_event(routes.store.client, new_job("drop", "g2", "olga"))
    refused.append((await _refused(routes, kind="drop", generation="g2"), "the same is requested already"))
    refused.append((await _refused(routes, kind="resume", generation="g2"), "g2 is about to be dropped"))

    for said, words in refused:
        assert words in said


async def test_what_makes_sense_writes_one_row(routes: InProcess) -> None:
    """The row contains the options and the operator's name."""
    routes.prove(equal=False)
    before = routes.tables()

    reply = await routes.post(kind="switch", generation="g2", accept_differences=True)

    (asked,), *rest = routes.store.client.query("SELECT * FROM requests").result_rows, *routes.tables()[1:]
    assert reply.status_code == 202, reply.text
    assert reply.json()["data"]["accept_differences"] is True
    assert str(asked[1]) == reply.json()["data"]["id"]
    assert asked[2:] == ("requested", "switch", "g2", "olga", [], '{"accept_differences":true}')
    assert rest == before[1:]


async def test_a_load_of_prices_is_requested_once(routes: InProcess) -> None:
    """It concerns no generation, and the file is part of the row."""
    before = routes.tables()

    reply = await routes.post(kind="prices", prices=PRICE, new_generations_only=True)
    again = await routes.post(kind="prices", prices=PRICE)

    (asked,), *rest = routes.store.client.query("SELECT * FROM requests").result_rows, *routes.tables()[1:]
    assert (reply.status_code, set(reply.json()["data"]), reply.json()["data"]["generation"]) == (202, JOB, "")
    assert asked[2:6] == ("requested", "prices", "", "olga")
    assert msgspec.json.decode(asked[7]) == {"prices": PRICE, "new_generations_only": True}
    assert again.json()["error"] == f"Refused: the same is requested already, as {asked[1]}: wait until it ends."
    assert rest == before[1:]


async def test_of_many_replays_as_many_are_accepted_as_there_is_room_for(routes: InProcess) -> None:
    """The others are refused with advice. Otherwise a script in a loop would fill the memory."""
    replies = [await routes.post(kind="replay", generation=f"g{number}") for number in range(10, 20)]

    (accepted, *refused) = replies
    assert accepted.status_code == 202, accepted.text
    assert [reply.status_code for reply in refused] == [422] * 9
    why = "at most 2 generations may exist beside the live one, and g10 and g2 exist or are requested"
    assert {reply.json()["error"] for reply in refused} == {f"Refused: {why}: `drop` one of them first."}


async def _refused(routes: InProcess, **body: object) -> str:
    """Request what must be refused; return the sentence. The tables stay unchanged."""
    before = routes.tables()
    reply = await routes.post(**body)
    assert (reply.status_code, reply.json()["code"]) == (422, "refused"), reply.text
    assert routes.tables() == before
    return str(reply.json()["error"])
