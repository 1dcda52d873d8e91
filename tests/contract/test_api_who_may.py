"""API section "Who may": every route and role, for own and foreign orgs and sessions, against one table.

The routes come from the app itself: a new one needs its id in `schemas/permissions.py`. If it takes a
body or required parameters, it needs a row in `BODIES` or `QUERIES` here.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx
import pytest

from generations.jobs.table import Report, add_job_event, load_jobs, new_job, report_of
from schemas import ids
from schemas.log.codec import encode
from schemas.log.records import Actor
from schemas.permissions import ALLOWED, OPERATOR_ORG, ROLES, ROUTES, Role, allows
from store.generations import FIRST_GENERATION
from store.sql import read_sql
from tests.support.builders import ERASURE, created, ended, hook, recorded, records_erased, reported, usage
from tests.support.rigs.installation import Installation
from tests.support.rigs.store import Options
from tests.support.rigs.whole_service import Operation, WholeService, new_whole_service

Situation = Literal["own", "other_users", "foreign_session", "unknown_session", "foreign_org"]
SITUATIONS: tuple[Situation, ...] = ("own", "other_users", "foreign_session", "unknown_session", "foreign_org")
ORG, FOREIGN, ME, OTHER, SECRET = "acme", "globex", "me", "zzother", "zzsecret"
NOW_TEXT = "2026-01-20T10:30:00Z"
EVENT = {"event_type": "Stop", "timestamp": NOW_TEXT, "data": {}}
NEW_JOB = ("CreateJob", "RequestWork")
BODIES: dict[str, Any] = {
    "CreateSession": {},
    "RecordEvents": {"events": [EVENT]},
    "ChangeSession": {"title": "t"},
    "EndSession": {},
    "RequestCompaction": {},
    "RecordHooks": {"session_id": "own", "hook_event_name": "Stop"},
    "ExportLogs": {},
    "ExportMetrics": {},
    "ExportTraces": {},
    "RedriveDeadLetter": {},
    "RequestErasure": lambda walk: {"subject": {"kind": "session", "session_id": str(walk.service.session_id(ORG))}},
    # A repeated one is refused.
    **dict.fromkeys(NEW_JOB, lambda _: {"kind": "replay", "generation": f"g{uuid4().hex[:12]}"}),
}
OF_A_DEAD_LETTER = ("GetDeadLetter", "RedriveDeadLetter")
QUERIES: dict[str, dict[str, str]] = {
    "SearchSessions": {"q": "shared"},
    "PreviewErasure": {"user_id": OTHER},
    "ListPositionsToErase": {"user_id": OTHER},
}
PAGES = {"/", "/sessions", "/sessions/{session_id:str}", "/team", "/trust", "/static/{digest:str}/{name:path}"}
PUBLIC = {"/livez", "/readyz", "/metrics", *PAGES}
ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # the service of all tests looks ahead in a task of its loop

# API section "Who may", written independently: the actions of each role in its org.
WHO_MAY = """
                    owner admin manager member viewer agent operator
session.write         yes   yes     yes    yes     no   yes       no
session.read          yes   yes     yes    yes    yes    no       no
session.read_all      yes   yes     yes     no     no    no       no
analytics.read        yes   yes     yes    yes    yes    no       no
analytics.by_user     yes   yes     yes     no     no    no       no
receipt.read          yes   yes     yes    yes    yes   yes       no
receipt.read_all      yes   yes     yes    yes    yes    no       no
org.recount           yes   yes      no     no     no    no       no
erase                 yes   yes      no     no     no    no       no
erase.org             yes    no      no     no     no    no       no
erase.now             yes    no      no     no     no    no       no
operate                no    no      no     no     no    no      yes
"""


class Walk:
    """A service with two orgs, one with two users in one thread, and requests to everything in it."""

    def __init__(self, service: WholeService) -> None:
        self.service = service
        thread = ids.new_thread(None)
        self.sessions: dict[Situation, UUID] = {
            "own": service.session_id(ORG, thread),
            "other_users": service.session_id(ORG, thread),
            "foreign_session": service.session_id(FOREIGN),
            "unknown_session": uuid4(),
            "foreign_org": service.session_id(FOREIGN),
        }

    async def begin(self) -> None:
        run_id = uuid4()
        self._work(self.sessions["own"], ORG, ME, "mine", run_id)
        self._work(self.sessions["other_users"], ORG, OTHER, SECRET, run_id)
        self._work(self.sessions["foreign_session"], FOREIGN, OTHER, SECRET, uuid4())
        await self._bury(self.sessions["own"])
        self._erase()
        await self.service.project()
        self._request()
        self._certify()

    def _erase(self) -> None:
        """Erase a session that no request names."""
        session = self.service.session_id(ORG)
        self.service.log.add(created(session, org_id=ORG), records_erased(0, session, org_id=ORG, partitions=1))

    def _certify(self) -> None:
        """Note a sweep and a check that found nothing, as a projector does."""
        client, control = self.service.store.client, self.service.store.address.control
        self.service.store.warehouse().note_swept({0: 1_000})
        client.command(f"INSERT INTO {control}.installation (partitions, secrets) VALUES (1, 'fingerprint')")
        report = '{"tables":{},"parts":[],"logs":[]}'
        client.command(
            f"INSERT INTO {control}.erasure_checks (began_at, generation, clean_below, report)"
            f" SELECT now64(6), '{FIRST_GENERATION}', [1000], '{report}'"
        )

    def _request(self) -> None:
        """Add an operator's job, and a proof."""
        client, asked = self.service.store.client, new_job("pause", FIRST_GENERATION, "olga")
        client.database = self.service.store.address.control
        add_job_event(client, asked)
        proof = {"generation": FIRST_GENERATION, "compared_with": FIRST_GENERATION, "equal": True, "report": "{}"}
        client.command(read_sql("generations", "add_proof"), parameters={**proof, "request": asked["id"]})
        self.requested = asked["id"]

    def _end_replays(self) -> None:
        """Let waiting replays fail: only two generations may exist beside the live one."""
        client = self.service.store.client
        for waiting in load_jobs(client):
            if waiting.kind == "replay" and waiting.is_open(1):
                add_job_event(client, report_of(waiting, "failed", "a process", report=Report(text="no room")))

    async def _bury(self, session: UUID) -> None:
        """Add a dead letter of the projector and one of the write side; its key is not its session."""
        letter = encode(recorded(session, hook("Stop", event_id=uuid4()), record_id=uuid4()))
        self.dead = self.service.log.add_bytes(letter).offset
        for _ in range(self.dead + 1):
            await self.service.written.append(b"poison", letter)

    def _work(self, session: UUID, org: str, user: str, text: str, run_id: UUID) -> None:
        now = time.time_ns() // 1_000_000
        common: dict[str, Any] = {"org_id": org, "actor": Actor(user, "member"), "received_at": now}
        names = dict.fromkeys(("title", "external_id", "branch"), text)
        self.service.log.add(
            created(session, run_id=run_id, agent_name="shared", **names, **common),
            recorded(
                session,
                hook("UserPromptSubmit", at=now, prompt=text),
                hook("PostToolUse", at=now, tool_name="Bash", tool_use_id=text, agent_id=text),
                **common,
            ),
            reported(session, usage(input_tokens=1000), **common),
            ended(session, summary=text, **common),
        )

    async def ask(self, operation: Operation, role: Role, situation: Situation = "own", **query: str) -> httpx.Response:
        """Send the operation as ``role``; an operator's org is a separate one."""
        path = operation.path.format_map(
            {
                "org_id": FOREIGN if situation == "foreign_org" else ORG,
                "session_id": self.sessions[situation],
                "position": f"0:{self.dead if operation.name in OF_A_DEAD_LETTER else 0}",
                "work_id": self.requested,
                "generation": FIRST_GENERATION,
                "client": "claude-code",
                "erasure_id": ERASURE,
            }
        )
        assert operation.method == "GET" or operation.name in BODIES, f"{operation.name}: give it a row in BODIES"
        if operation.name in NEW_JOB:
            self._end_replays()
        body = BODIES.get(operation.name)
        return await self.service.ask(
            operation.method,
            path,
            role=role,
            org=OPERATOR_ORG if role == "operator" else ORG,
            user=ME,
            params={**QUERIES.get(operation.name, {}), **query},
            json=body(self) if callable(body) else body,
        )


@pytest.fixture(scope="module")
def walk(engine: Options, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Share one service with two orgs among all tests, which change nothing that is read."""
    for service in new_whole_service(engine, tmp_path_factory.mktemp("whole")):
        walk = Walk(service)
        asyncio.run(walk.begin())
        yield walk


def test_the_table_is_the_one_of_the_contract() -> None:
    """Each role has exactly the actions of the contract."""
    head, *rows = (line.split() for line in WHO_MAY.strip().splitlines())

    granted = {(role, row[0]) for row in rows for role, may in zip(head, row[1:], strict=True) if may == "yes"}

    assert granted == {(role, action) for role, actions in ALLOWED.items() for action in actions}


def test_every_route_has_its_row(walk: Walk) -> None:
    """Every guarded route has a row and every row a route; all other routes need no credential."""
    assert {operation.name for operation in walk.service.operations()} == set(ROUTES)
    assert {path for path in walk.service.public_paths() if not path.startswith("/schema")} == PUBLIC


@ONE_LOOP
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.fault(row=19)
async def test_every_route_answers_each_role_as_the_table_says(walk: Walk, role: Role, situation: Situation) -> None:
    """The row alone decides between 2xx, 403 and 404."""
    operations = walk.service.operations()

    answered = {operation.name: _short(await walk.ask(operation, role, situation)) for operation in operations}

    assert answered == {operation.name: _expected(operation, role, situation) for operation in operations}


@ONE_LOOP
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.fault(row=19)
async def test_no_role_reads_what_it_may_not_see(walk: Walk, role: Role) -> None:
    """Members and viewers get no text of other users' sessions; no reply contains a text of another org."""
    for operation in walk.service.operations():
        if operation.method != "GET":
            continue
        text = (await walk.ask(operation, role)).text
        assert str(walk.sessions["foreign_session"]) not in text, operation.name
        if not allows(role, "session.read_all"):
            assert OTHER not in text, operation.name
            assert SECRET not in text, operation.name
            assert str(walk.sessions["other_users"]) not in text, operation.name


@ONE_LOOP
@pytest.mark.parametrize("role", ROLES)
async def test_who_may_not_name_others_may_not_filter_by_them(walk: Walk, role: Role) -> None:
    """This holds on every route with `user_id`; every role may filter by itself."""
    for operation in walk.service.operations():
        if "user_id" not in operation.parameters:
            continue
        usual = _expected(operation, role, "own")
        refused = usual == "2xx" and not allows(role, "analytics.by_user")

        other = await walk.ask(operation, role, user_id=OTHER)

        assert _short(other) == ("403" if refused else usual), operation.name
        assert _short(await walk.ask(operation, role, user_id=ME)) == usual, operation.name


@ONE_LOOP
@pytest.mark.fault(row=19)
async def test_what_is_hidden_looks_like_what_does_not_exist(walk: Walk) -> None:
    """Foreign, hidden and unknown ids get the same body except the request id, and the same store queries."""
    for operation in walk.service.operations():
        if "{session_id}" not in operation.path:
            continue
        seen = {}
        for situation in ("other_users", "foreign_session", "unknown_session", "foreign_org"):
            if _expected(operation, "member", situation) == "404":
                walk.service.reader.asked.clear()
                reply = await walk.ask(operation, "member", situation)
                seen[situation] = _but_request_id(reply), tuple(walk.service.reader.asked)
        of_another_org = seen.pop("foreign_org")  # known from the path alone, for any id

        assert len(set(seen.values())) == 1, f"{operation.name}: {seen}"
        assert of_another_org[0] == next(iter(seen.values()))[0]


@pytest.mark.fault(row=19)
def test_the_same_over_http(installation: Installation, fresh_org: str) -> None:
    """A few requests to an installation with real tokens and a real store give the same results."""
    alice = installation.client("member", fresh_org, "alice")
    made = alice.post(f"/api/v1/{fresh_org}/sessions", json={"title": SECRET})
    seen = {"X-Wait-For-Position": made.headers["X-Log-Position"]}
    of_session = f"/api/v1/{fresh_org}/sessions/{made.json()['data']['id']}"
    of_org = f"/api/v1/{fresh_org}/sessions"

    def answer(role: Role, path: str, method: str = "GET", org: str = fresh_org, user: str = "bob") -> str:
        with installation.client(role, org, user) as client:
            return _short(client.request(method, path, headers=seen, json=None if method == "GET" else {}))

    assert alice.get(of_session, headers=seen).json()["data"]["title"] == SECRET
    assert [answer(role, of_session) for role in ROLES[:6]] == ["2xx", "2xx", "2xx", "404", "404", "403"]
    assert [answer(role, of_org, "POST") for role in ROLES[:6]] == ["2xx", "2xx", "2xx", "2xx", "403", "2xx"]
    by_user = [answer(role, f"{of_org}/analytics/by-user") for role in ROLES[:6]]
    assert by_user == ["2xx", "2xx", "2xx", "403", "403", "403"]
    assert [answer("owner", of_session, org=org) for org in ("other-org", fresh_org.upper())] == ["404", "404"]
    assert answer("owner", of_session.replace(fresh_org, "other-org"), org="other-org") == "404"
    assert answer("owner", "/api/v1/operator/freshness") == "404"
    assert answer("operator", "/api/v1/operator/freshness", org=OPERATOR_ORG) == "2xx"
    assert answer("operator", of_session, org=OPERATOR_ORG) == "404"
    assert SECRET not in _text_for_bob(installation, fresh_org, of_org, seen)


def _text_for_bob(installation: Installation, org: str, path: str, headers: dict[str, str]) -> str:
    with installation.client("member", org, "bob") as client:
        return client.get(path, headers=headers).text


def _expected(operation: Operation, role: Role, situation: Situation) -> str:
    """Return the expected status, from API section "Who may" and the route's row."""
    action, sees = ROUTES[operation.name]
    if (role == "operator") != (action == "operate"):
        return "404"
    if situation == "foreign_org" and "{org_id}" in operation.path:
        return "404"
    if not allows(role, action):
        return "403"
    if "{session_id}" not in operation.path or situation == "own":
        return "2xx"
    hidden = sees == "session" and not allows(role, "session.read_all")
    return "2xx" if situation == "other_users" and not hidden else "404"


def _short(reply: httpx.Response) -> str:
    return "2xx" if reply.is_success else str(reply.status_code)


def _but_request_id(reply: httpx.Response) -> str:
    body = reply.json()
    del body["request_id"]
    return str((reply.status_code, body))
