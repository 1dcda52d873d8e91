"""How errors of the store are classified, and the messages of those that only a person can fix."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError, ProgrammingError

from store.broken import Broken
from store.client_errors import classify, judge, refusal
from store.codes import CODES, Verdict, verdict_of
from store.errors import StoreRefuses, StoreUnavailable
from store.reading.reader import is_outage
from tests.support.fakes.store_refusals import refusal_text

PROXY = "HTTP driver received HTTP status {}, server response: <html>… (for url http://ch:8123)"


def test_every_code_has_one_reason_that_is_a_phrase() -> None:
    """The reason is one line; a code is in the table once, under one verdict."""
    for known in CODES.values():
        assert known.why
        assert len(known.why) < 100
        assert verdict_of(known.code) is known.verdict
    assert len({known.name for known in CODES.values()}) == len(CODES)


@pytest.mark.parametrize("code", [36, 62, 1000, 1002, 20_000])
def test_what_ends_the_same_way_each_time_never_passes(code: int) -> None:
    """Examples are a value that is too long, wrong SQL, and every code that the table does not list."""
    assert verdict_of(code) is Verdict.BROKEN


@pytest.mark.parametrize("code", [198, 286, 289, 319, 369, 416, 499, 571, 722, 733, 999])
def test_what_a_cluster_says_of_itself_passes(code: int) -> None:
    """DNS, quorum, replicas, object storage and Keeper recover after some time."""
    assert verdict_of(code) is Verdict.PASSES


@pytest.mark.parametrize(
    ("error", "passes", "is_for_projectors"),
    [
        (OperationalError("Error [Errno 111] executing HTTP request"), True, StoreUnavailable),
        (ConnectionResetError(), True, StoreUnavailable),
        (DatabaseError(PROXY.format(502)), True, StoreUnavailable),
        (DatabaseError(PROXY.format(429)), True, StoreUnavailable),
        (DatabaseError(PROXY.format(403)), False, StoreRefuses),
        (ProgrammingError("Setting max_execution_time is readonly"), False, StoreRefuses),
        (ProgrammingError("Code: 243. DB::Exception: no room"), True, StoreUnavailable),
        (ProgrammingError("Unable to open the chdb engine at '/x'"), False, Broken),
        (DataError("Invalid None value"), False, Broken),
        (DatabaseError("…", code=516), False, StoreRefuses),
        (OperationalError("…", code=497), False, StoreRefuses),
        (DatabaseError("…", code=396), False, StoreRefuses),
        (DatabaseError("…", code=36), False, Broken),
        (DatabaseError("…", code=81), True, Broken),
        (DatabaseError("…", code=999), True, StoreUnavailable),
    ],
)
def test_both_sides_know_an_outage_from_a_refusal(
    error: Exception, passes: bool, is_for_projectors: type[Exception]
) -> None:
    """An error without a code is a failed connection, unless the client or a proxy refused."""
    assert is_outage(error) is passes
    assert type(classify(error)) is is_for_projectors


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (115, ["does not know the setting deduplicate_insert"]),
        (164, ["gives user crewkit read-only access", "put the user for this process in STORE_URL"]),
        (452, ["the user of STORE_URL", "max_memory_usage", "shouldn't be greater than 1000000000", "relax"]),
        (497, ["user crewkit", "lacks the right SELECT(number, sha256) ON crewkit.migrations: grant it"]),
        (516, ["rejects the login of user crewkit", "check the user and password in STORE_URL"]),
    ],
)
def test_a_refusal_names_the_user_the_right_or_the_setting(code: int, names: list[str]) -> None:
    """The engine's own words are read, over HTTP or from the in-process engine."""
    raised = refusal_text(code)
    for text in (
        raised,
        f"Received ClickHouse exception, code: {code}, server response: {raised} (for url http://h:1)",
    ):
        sentence = refusal(code, text)

        assert all(name in sentence for name in names), sentence
        assert "\n" not in sentence


def test_what_the_client_library_refuses_names_the_setting() -> None:
    """It refuses before it sends anything, if the user's profile is `readonly = 1`."""
    text = "Setting max_execution_time is readonly"

    assert judge(None, text, by_client=True) is Verdict.REFUSED
    assert "max_execution_time" in refusal(None, text)


@pytest.mark.parametrize("code", [code for code, known in CODES.items() if known.verdict is Verdict.REFUSED])
def test_every_refusal_has_its_sentence(code: int) -> None:
    """There is a sentence even if the text is unknown to us."""
    assert len(refusal(code, f"Code: {code}. DB::Exception: ({CODES[code].name})")) > 40
