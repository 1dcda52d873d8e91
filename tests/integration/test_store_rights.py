"""The shipped users: each process works as its user, and every right is needed."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support import CHECKOUT
from tests.support.rigs.personas import Failed, Persona, act
from tests.support.rigs.shipped_users import Right, persona, rights, statements
from tests.support.rigs.whole_store import asked_by_the_read_side

WHOLE = "tests.support.rigs.whole_store:"
TASKS = {
    "crewkit_provision": "make",
    "crewkit_projector": "project",
    "crewkit_query": "ask",
    "crewkit_bi": "read_flat",
    "crewkit_teams": "read_dashboard",
}
PROCESSORS_SQL = {file.stem for file in (CHECKOUT / "processors" / "sql").glob("*.sql")}
ADMINISTRATOR = Persona(grants=["GRANT ALL ON *.* WITH GRANT OPTION"])
RUN = f"{WHOLE}run"
REFUSED = re.compile(r"ACCESS_DENIED|READONLY|SETTING_CONSTRAINT_VIOLATION")


def provision(folder: Path) -> Path:
    """Provision a store twice as its user; return its folder."""
    assert act(folder, persona("crewkit_provision"), f"{WHOLE}make") == []
    return folder


def copied(store: Path, to: Path) -> Path:
    """Copy a store that no process has open."""
    return shutil.copytree(store, to, symlinks=True, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store without any row of a log; tests change copies of it."""
    return provision(tmp_path_factory.mktemp("provisioned"))


@pytest.fixture(scope="module")
def filled(provisioned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store into which a projector, as its user, projected a log, and repaired some of it."""
    folder = copied(provisioned, tmp_path_factory.mktemp("filled"))
    used = act(folder, persona("crewkit_projector"), f"{WHOLE}project")
    assert set(used) == PROCESSORS_SQL
    return folder


def test_every_question_and_the_audit_are_answered_under_the_shipped_rights(filled: Path) -> None:
    """Tables provisioned and projected under them are read under them, complete and correct."""
    done = act(filled, persona("crewkit_query"), f"{WHOLE}ask")

    assert {status for status, _ in done["answers"].values()} == {200}
    assert set(done["used"]) == asked_by_the_read_side()
    assert done["audit"] == [["hours", True, True], ["all", True, True]]


@pytest.mark.parametrize("right", rights(), ids=lambda right: f"{right.user} {right.right} {right.scope}")
def test_no_right_is_superfluous(provisioned: Path, filled: Path, tmp_path: Path, right: Right) -> None:
    """Without any one of them the process ends with a sentence that names it."""
    folder = filled
    if right.user == "crewkit_provision":
        folder = tmp_path
    elif right.user == "crewkit_projector":
        folder = copied(provisioned, tmp_path)

    with pytest.raises(Failed, match=rf"lacks the right|grant {right.right}") as failed:
        act(folder, persona(right.user, without=right), WHOLE + TASKS[right.user])

    assert "Refuse" in str(failed.value) or right.user in {"crewkit_bi", "crewkit_teams"}


def test_a_request_needs_no_more_than_the_shipped_rights(filled: Path) -> None:
    """An operator's request over HTTP is one row by the user of `query-api`."""
    done = act(filled, persona("crewkit_query"), f"{WHOLE}request", "prove")

    ((accepted, body), (listed, found)) = done["replies"]
    assert (accepted, listed) == (202, 200)
    assert found["data"][0]["id"] == body["data"]["id"]


def test_a_read_only_user_reads_and_requests_nothing(filled: Path) -> None:
    """A profile with `readonly = 2` forbids each INSERT: a 503, and the log says which right the user needs."""
    shipped = persona("crewkit_query")
    read_only = shipped._replace(settings={**shipped.settings, "readonly": "2"})

    done = act(filled, read_only, f"{WHOLE}request", "pause")

    ((refused, body), (listed, _)) = done["replies"]
    assert (refused, body["code"], listed) == (503, "store_refuses", 200)
    (line,) = [line for line in done["logged"] if line["event"] == "store_refuses"]
    assert "remove `readonly` from its profile" in line["error"]
    assert "INSERT ON crewkit.requests" in line["error"]


def test_a_user_that_may_not_insert_reads_and_requests_nothing(filled: Path) -> None:
    """The log names the right."""
    (insert,) = [right for right in rights() if (right.user, right.right) == ("crewkit_query", "INSERT")]

    done = act(filled, persona("crewkit_query", without=insert), f"{WHOLE}request", "pause")

    ((refused, body), (listed, _)) = done["replies"]
    assert (refused, body["code"], listed) == (503, "store_refuses", 200)
    (line,) = [line for line in done["logged"] if line["event"] == "store_refuses"]
    assert re.search(r"lacks the right INSERT.* ON crewkit\.requests: grant it", line["error"])


def test_who_reads_can_change_nothing(filled: Path) -> None:
    """A reader can change no rows except requests, no table, and no limit beyond its bound."""
    wanted = [
        "INSERT INTO crewkit_g1.progress SELECT 0, 0, 0, 0",
        "INSERT INTO crewkit.generations (name, event) SELECT 'g1', 'dropped'",
        "INSERT INTO crewkit.proofs (generation, equal) SELECT 'g2', 1",
        "INSERT INTO crewkit.erasure_checks (generation) SELECT 'g2'",
        "DELETE FROM crewkit.requests WHERE 1",
        "TRUNCATE TABLE crewkit.requests",
        "DELETE FROM crewkit_g1.sessions WHERE 1",
        "TRUNCATE TABLE crewkit_g1.sessions",
        "DROP TABLE crewkit_g1.sessions",
        "DROP DATABASE crewkit_g2",
        "CREATE DATABASE crewkit_mine",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "SELECT 1 SETTINGS max_execution_time = 60",
    ]
    of_bi = ["INSERT INTO crewkit.requests (generation) SELECT 'g2'", "SELECT 1 SETTINGS readonly = 0"]
    for user, more in (("crewkit_query", []), ("crewkit_bi", of_bi)):
        for said in act(filled, persona(user), RUN, [*wanted, *more]):
            assert REFUSED.search(said), said


def test_a_projector_makes_and_drops_no_table(filled: Path) -> None:
    """It does not change the rows of `provision` either, and drops no generation."""
    wanted = [
        "DROP TABLE crewkit_g1.facts",
        "DROP DATABASE crewkit_g2",
        "DELETE FROM crewkit.requests WHERE 1",
        "CREATE TABLE crewkit_g1.mine (a UInt8) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO crewkit.prices SELECT * FROM crewkit.prices",
    ]
    for said in act(filled, persona("crewkit_projector"), RUN, wanted):
        assert "ACCESS_DENIED" in said


def test_who_provisions_drops_generations_alone(provisioned: Path) -> None:
    """The control database and its tables stay, and no row of them is lost."""
    wanted = [
        "DROP DATABASE crewkit",
        "DROP TABLE crewkit.generations",
        "TRUNCATE TABLE crewkit.requests",
        "DELETE FROM crewkit.proofs WHERE 1",
        "DELETE FROM crewkit_g1.facts WHERE 1",
    ]
    for said in act(provisioned, persona("crewkit_provision"), RUN, wanted):
        assert "ACCESS_DENIED" in said


@pytest.mark.parametrize("org", ["acme", "globex"])
def test_a_bi_tool_sees_one_org_and_nothing_but_its_numbers(filled: Path, org: str) -> None:
    """This holds for the views and for the tables behind them."""
    seen = act(filled, persona("crewkit_bi", org), f"{WHOLE}read_flat")
    (said,) = act(filled, persona("crewkit_bi", org), RUN, ["SELECT count() FROM crewkit_g1.facts"])

    assert set(map(tuple, seen.values())) == {(org,)}
    assert "ACCESS_DENIED" in said


def test_the_team_dashboard_reads_the_numbers_of_every_org_and_no_content(filled: Path) -> None:
    """Its readers may send any SQL, and its user may read nothing else."""
    content = ("g1.facts", "g1.sessions", "g1.tasks", "g1.dead_letters", "g1.analyses", "g1.session_states")
    wanted = [f"SELECT * FROM crewkit_{table}" for table in content]
    wanted += ["SELECT * FROM crewkit.prices", "SELECT * FROM crewkit.requests"]

    assert act(filled, persona("crewkit_teams"), f"{WHOLE}read_dashboard") == ["acme", "globex"]
    for said in act(filled, persona("crewkit_teams"), RUN, wanted):
        assert "ACCESS_DENIED" in said


def test_the_file_is_sql_and_is_refused_as_long_as_a_password_is_missing(tmp_path: Path) -> None:
    """A placeholder must not be a working password."""
    texts = [statement.replace("'", "\\'") for statement in statements()]
    users = [statement for statement in statements() if statement.startswith("CREATE USER")]
    unfilled = [statement.replace("0" * 64, "{{SHA-256 of a password}}") for statement in users]

    read = act(tmp_path, ADMINISTRATOR, RUN, [f"SELECT formatQuery('{text}')" for text in texts])
    made = act(tmp_path, ADMINISTRATOR, RUN, unfilled)

    assert set(read) == {"done"}
    assert len(made) == 5
    assert all("must be exactly 32 bytes" in said or "BAD_ARGUMENTS" in said for said in made), made


@pytest.mark.fault(row=28)
@pytest.mark.parametrize("user", ["crewkit_provision", "crewkit_projector", "crewkit_query"])
def test_a_profile_that_makes_the_store_behave_like_an_older_one_is_refused(filled: Path, user: str) -> None:
    """Each process names the setting and ends before it does anything."""
    shipped = persona(user)
    older = shipped._replace(settings={**shipped.settings, "compatibility": "25.8"})

    with pytest.raises(Failed, match=r"Refuse[ds]: the setting `compatibility` makes .* ClickHouse 25\.8"):
        act(filled, older, WHOLE + TASKS[user])
