"""The page that says whether the numbers are right is itself right, for each role and in each state."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from schemas.log.codec import encode
from schemas.permissions import OPERATOR_ORG, Role
from schemas.times import instant
from tests.support.builders import T0, hook, recorded
from tests.support.rigs.command_here import command_here
from tests.support.rigs.dashboard import Dashboard, Visits, number, settle
from tests.support.rigs.installation import ORG, Installation
from tests.support.rigs.operator import Operator
from tests.support.rigs.raw_append import NO_SESSION, append_dead_letter
from tests.support.waiting import eventually

Found = dict[str, Any]
SLOW_MS = 60_000  # for work of the installation on a busy machine
CLOCK = r"(\d+ \w{3} (\d{4} )?)?\d{2}:\d{2}:\d{2} UTC"
UNCHECKED = "Whether the sums are right was not checked yet."
COMPLETE = f"Complete: every event accepted before TIME is in the numbers. {UNCHECKED}"
WITH_RECEIPTS = f"Complete: every record accepted before TIME has its receipt, none is missing. {UNCHECKED}"
BY_AUDIT = (
    "Yes: every event accepted before TIME is in the numbers, and the sums are right: the last 3 hours, TIME (audit)."
)
NO_RECOUNT = "Not recounted on this visit: the events of all time."


@pytest.fixture(autouse=True)
def audits(visits: Visits) -> Iterator[Callable[[str], None]]:
    """Let the pages see these metrics, at first none: an audit of the installation, each minute, would change them."""
    context = visits.open("about:blank").context
    shown = [""]
    kind = {"content_type": "text/plain"}
    context.route("**/metrics", lambda route: route.fulfill(body=shown[0], **kind))
    yield lambda text: shown.__setitem__(0, text)
    context.unroute("**/metrics")


def tokens_of(dashboard: Dashboard) -> dict[str, str]:
    return {"token": dashboard.token(), "operator": dashboard.operator_token()}


def open_trust(dashboard: Dashboard, visits: Visits) -> Page:
    """Open the page as an admin who is also the operator, once all of it is loaded."""
    page = visits.open(dashboard.link("/trust", **tokens_of(dashboard)))
    page.get_by_test_id("coverage-complete").wait_for()
    return page


def calls_of(page: Page, method: str = "GET") -> list[str]:
    """Return the list to which the page's API calls are added."""
    calls: list[str] = []
    page.on("request", lambda sent: calls.append(sent.url) if "/api/" in sent.url and sent.method == method else None)
    return calls


def panel(page: Page, name: str) -> Locator:
    return page.locator(f'[data-panel="{name}"]')


def action(page: Page, name: str) -> Locator:
    return page.locator(f'[data-action="{name}"]')


def expect_verdict(page: Page, state: str, sentence: str, timeout: float = 40_000) -> None:
    """Expect the sentence at the top; TIME stands for any time."""
    pattern = re.escape(sentence).replace("TIME", CLOCK)
    expect(page.get_by_test_id("trust-verdict")).to_have_text(re.compile(f"^{pattern}$"), timeout=timeout)
    expect(page.get_by_test_id("trust-summary")).to_have_attribute("data-state", state)


def table_rows(page: Page, name: str) -> list[dict[str, str]]:
    """Return the raw values of the rows of a table, once it is there."""
    table = page.locator(f'[data-table="{name}"]')
    table.wait_for()
    found: list[dict[str, str]] = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(({children}) => Object.fromEntries([...children].map(({dataset: d}) => [d.key, d.value])))"
    )
    return found


def texts(row: Found, *keys: str) -> dict[str, str]:
    """Return values of the API as they appear in the page's attributes."""
    return {key: "" if row[key] is None else str(row[key]) for key in keys}


def only(rows: list[dict[str, str]], *keys: str) -> list[dict[str, str]]:
    return [{key: row[key] for key in keys} for row in rows]


# Everything that the page reads.


def test_freshness_and_coverage_are_those_of_the_api(dashboard: Dashboard, visits: Visits) -> None:
    """Each partition's numbers, and those of the whole log; a time lies between the API's times before and after."""
    before = dashboard.operator_api("/freshness")["data"]
    page = open_trust(dashboard, visits)
    shown = page.get_by_test_id("complete-through").get_attribute("data-value")
    coverage, after = (dashboard.operator_api(path)["data"] for path in ("/coverage", "/freshness"))

    still = ("partition", "log_end", "projected", "lag", "rolled_up")
    assert only(table_rows(page, "freshness"), *still) == [texts(row, *still) for row in after["partitions"]]
    assert before["complete_through"] <= str(shown) <= after["complete_through"]
    assert number(page, '[data-testid="lag-records"]') == after["lag_records"] == 0
    assert number(page, '[data-testid="unknown-share"]') == after["events_of_a_day"]["unknown_share"]
    counted = ("partition", "end", "count", "projected", "dead", "erased", "missing")
    assert only(table_rows(page, "coverage"), *counted) == [texts(row, *counted) for row in coverage["partitions"]]
    assert number(page, '[data-testid="coverage-positions"]') == coverage["positions"] > len(dashboard.sent)
    assert number(page, '[data-testid="coverage-missing"]') == coverage["missing"] == 0
    expect(page.get_by_test_id("coverage-complete")).to_have_attribute("data-value", "true")
    expect(page.get_by_test_id("org-generation")).to_have_attribute("data-value", "g1")
    expect(panel(page, "dead-letters")).to_contain_text("None: every record could be projected.")


def test_clients_and_generations_are_those_of_the_api(dashboard: Dashboard, visits: Visits) -> None:
    """Versions with their events and types, and the one generation with its facts, rules and prices."""
    page = open_trust(dashboard, visits)
    shown = table_rows(page, "clients")
    clients = dashboard.operator_api("/clients")["data"]
    (generation,) = dashboard.operator_api("/generations")["data"]

    names = ("client", "client_version")
    counts = ("events", "unknown_events", "unknown_share")
    expected = {
        tuple(texts(row, *names).values()): [*(row[key] for key in counts), len(row["event_types"])]
        for row in clients["clients"]
    }
    assert {
        tuple(row[key] for key in names): [float(row[key]) for key in (*counts, "event_types")] for row in shown
    } == expected
    assert number(page, '[data-testid="clients-unknown-share"]') == clients["unknown_share"]
    page.locator('[data-table="clients"] summary').first.click()
    first = max(clients["clients"], key=lambda client: client["events"])
    types = page.locator('[data-table="clients"] ul').first.locator("li")
    types.first.wait_for()
    lines = types.all_inner_texts()
    assert [line.split(":")[0] for line in lines] == [one["event_type"] for one in first["event_types"]]
    assert number(page, '[data-generation="g1"] [data-testid="facts"]') == generation["facts"]
    assert number(page, '[data-generation="g1"] [data-testid="fold-version"]') == generation["fold_version"]
    prices = page.locator('[data-generation="g1"] [data-testid="prices"]')
    expect(prices).to_have_attribute("data-value", generation["prices_sha256"])


def test_recounts_by_their_buttons(dashboard: Dashboard, visits: Visits) -> None:
    """Nothing is recounted unasked; both results are equal, with the API's numbers, and the verdict names its basis."""
    page = visits.open("about:blank")
    calls = calls_of(page)
    page.goto(dashboard.link("/trust?range=custom&start=2026-01-01&end=2027-12-31", **tokens_of(dashboard)))
    expect_verdict(page, "complete", WITH_RECEIPTS)
    expect(page.get_by_test_id("trust-checked")).to_contain_text(NO_RECOUNT)
    assert not [call for call in calls if "recount" in call]

    for name, path in (
        ("org-recount", "/acme/ops/recount?start_date=2026-01-01&end_date=2027-12-31"),
        ("recount", "/operator/recount"),
    ):
        with page.expect_response(f"{dashboard.url}/api/v1{path}", timeout=SLOW_MS) as reply:
            action(page, f"recount-{name}").click()
        expected = reply.value.json()["data"]
        equal = panel(page, name).get_by_test_id("recount-equal")
        expect(equal).to_have_attribute("data-value", "true", timeout=SLOW_MS)
        rows = {row["table"]: row for row in table_rows(page, f"{name}-compared")}
        compared = expected["compared"]
        assert {table: int(row["compared"]) for table, row in rows.items()} == {
            table: compared[table] for table in ("sessions", "amounts", "rollup_quarters", "rollup_days")
        }
        assert int(rows["sessions"]["events"]) == compared["events"] >= len(dashboard.sent_events)
        assert {row["differences"] for row in rows.values()} == {"0"}

    expect_verdict(page, "yes", "Yes: every event accepted before TIME is counted exactly once.")
    checked = page.get_by_test_id("trust-checked")
    expect(checked).not_to_contain_text(NO_RECOUNT)
    expect(checked).to_contain_text(f"{compared['sessions']:,} sessions with {compared['events']:,} events")


def test_the_three_lights(dashboard: Dashboard, visits: Visits, audits: Callable[[str], None]) -> None:
    """The answer is yes only if all three are green: by the last audit, with its time, also for who may not recount."""
    page = visits.open(dashboard.link("/trust", token=dashboard.token("viewer", "bao")))
    lights = page.locator("[data-light]")
    expect(lights).to_contain_text(["Complete", "an operator sees the receipts", "not compared yet"])
    states = "lights => lights.map(light => light.dataset.state)"
    assert lights.evaluate_all(states) == ["good", "open", "open"]

    audits(
        "crewkit_audit_missing_positions 0\n"
        'crewkit_audit_runs_total{scope="hours"} 3\n'
        f'crewkit_audit_last_run_timestamp_seconds{{scope="hours"}} {T0 / 1000}\n'
        'crewkit_audit_differences{scope="hours"} 0\n'
    )
    page.reload()

    expect_verdict(page, "yes", BY_AUDIT)
    assert lights.evaluate_all(states) == ["good"] * 3


@pytest.mark.parametrize(
    "role", ["manager", *(pytest.param(role, marks=pytest.mark.part("browser")) for role in ("member", "viewer"))]
)
def test_who_may_not_recount_is_not_offered_it(dashboard: Dashboard, visits: Visits, role: Role) -> None:
    """They see how current the numbers are; the page neither recounts nor makes operator calls."""
    page = visits.open("about:blank")
    calls = calls_of(page)
    page.goto(dashboard.link("/trust", token=dashboard.token(role, "bao")))

    expect_verdict(page, "complete", COMPLETE)
    assert number(page, '[data-testid="org-lag"]') == 0
    expect(page.get_by_role("button", name=re.compile("Recount"))).to_have_count(0)
    expect(page.get_by_test_id("operator-form")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert calls
    assert not [call for call in calls if "recount" in call or "/operator/" in call]


def test_an_admin_recounts_the_org_alone(dashboard: Dashboard, visits: Visits) -> None:
    """Without an operator's token the verdict names only the days that were recounted."""
    page = visits.open(dashboard.link("/trust?range=custom&start=2026-01-01&end=2027-12-31"))
    expect_verdict(page, "complete", COMPLETE)

    page.get_by_role("button", name="Recount now").click()

    days = "acme, 1 Jan 2026 – 31 Dec 2027"
    equal = f"The numbers of {days} equal a recount of the events accepted before TIME."
    expect_verdict(page, "complete", COMPLETE.replace(UNCHECKED, equal), timeout=SLOW_MS)


def test_an_operators_token_opens_the_installation(dashboard: Dashboard, visits: Visits) -> None:
    """The form refuses any other token, and the reader stays signed in as before."""
    token = dashboard.token()
    page = visits.open(dashboard.link("/trust", token=token))
    form = page.get_by_test_id("operator-form")
    kept = "['crewkit.token', 'crewkit.operator'].map(name => sessionStorage.getItem(name))"

    for text, why in (
        ("not a token", "This is not a token."),
        (
            dashboard.token("viewer", "bao"),
            "This token belongs to an org. An operator's token is made with --operator.",
        ),
        (dashboard.token("operator", "olga", OPERATOR_ORG, ttl_s=-10), "This token has expired."),
    ):
        form.get_by_label("Paste an operator token").fill(text)
        form.get_by_role("button", name="Show the installation").click()
        expect(form.get_by_role("alert")).to_contain_text(why)
        assert page.evaluate(kept) == [token, None]

    form.get_by_label("Paste an operator token").fill(dashboard.operator_token())
    form.get_by_role("button", name="Show the installation").click()
    page.get_by_test_id("coverage-complete").wait_for()
    expect(form).to_have_count(0)
    number(page, '[data-testid="org-lag"]')


@pytest.mark.parametrize("how", ["refused", pytest.param("expired", marks=pytest.mark.part("browser"))])
def test_an_operators_token_that_ends(dashboard: Dashboard, visits: Visits, how: str) -> None:
    """The form returns with the reason, the installation's numbers disappear, and the org's numbers stay."""
    visits.failed_loads_are_fine = True
    page = open_trust(dashboard, visits)
    head, payload, signature = dashboard.operator_token().split(".")
    expired = dashboard.token("operator", "demo", OPERATOR_ORG, ttl_s=-10)
    ended = expired if how == "expired" else ".".join((head, payload, signature[::-1]))
    page.evaluate("token => sessionStorage.setItem('crewkit.operator', token)", ended)

    page.evaluate("dispatchEvent(new Event('online'))")  # starts the next round now

    form = page.get_by_test_id("operator-form")
    expect(form).to_contain_text("The operator's token has expired, or is not valid here.")
    expect(page.locator('[data-panel="coverage"]')).to_have_count(0)
    number(page, '[data-testid="org-lag"]')
    expect_verdict(page, "complete", COMPLETE)
    form.get_by_label("Paste an operator token").fill(dashboard.operator_token())
    form.get_by_role("button", name="Show the installation").click()
    page.get_by_test_id("coverage-complete").wait_for()


def test_an_operators_token_that_ends_is_all_there_was(dashboard: Dashboard, visits: Visits) -> None:
    """Without a token of an org, the page asks for one."""
    page = visits.open(dashboard.link("/trust", operator=dashboard.operator_token()))
    page.get_by_test_id("coverage-complete").wait_for()
    expect(page.locator('[data-level="org"]')).to_have_count(0)
    page.evaluate("sessionStorage.removeItem('crewkit.operator')")

    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.get_by_text("The operator's token has expired, or is not valid here.")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_visible()


def ask_receipt(page: Page, position: str) -> None:
    page.get_by_label("Position of the log").fill(position)
    page.get_by_role("button", name="Show its receipt").click()


def test_the_receipt_of_a_position(dashboard: Dashboard, visits: Visits) -> None:
    """A position in the address is looked up at once; others through the form. The address names the visible one."""
    visits.failed_loads_are_fine = True
    page = visits.open(dashboard.link("/trust?position=0:5"))
    receipt = page.get_by_test_id("receipt")
    expect(receipt).to_have_attribute("data-value", "projected")
    expected = dashboard.api("/ops/receipts/0:5")["data"]
    assert number(page, '[data-testid="receipt-facts"]') == expected["facts"]
    assert number(page, '[data-testid="receipt-added"]') == expected["added"]
    for field in ("received_at", "stored_at"):
        expect(receipt).to_contain_text(f"{expected[field][11:19]} UTC")
    expect(receipt.locator("code")).to_contain_text(f"{dashboard.url}/api/v1/{ORG}/ops/receipts/0:5")

    ask_receipt(page, "0:99999999")
    expect(receipt).to_have_attribute("data-value", "waiting")
    expect(receipt).to_contain_text("not projected yet, or not written yet")
    assert page.url == f"{dashboard.url}/trust?position=0%3A99999999"

    ask_receipt(page, "99:0")
    expect(panel(page, "receipt")).to_contain_text("The log has no position 99:0.")
    expect(receipt).to_have_count(0)


def test_a_receipt_stays_when_the_content_is_skipped_to(dashboard: Dashboard, visits: Visits) -> None:
    """The address names the requested position; a link within the page does not reload the page."""
    page = visits.open(dashboard.link("/trust"))
    ask_receipt(page, "0:0")
    expect(page).to_have_url(re.compile(r"position=0%3A0"))
    receipt = page.get_by_test_id("receipt").element_handle()

    page.evaluate("document.querySelector('a.skip').click()")
    page.wait_for_url("**#main")
    settle(page)

    assert receipt.evaluate("receipt => receipt.isConnected")


def test_what_is_no_position(dashboard: Dashboard, visits: Visits) -> None:
    """The form explains, next to the field, what a position is, and makes no API call."""
    page = visits.open("about:blank")
    calls = calls_of(page)
    page.goto(dashboard.link("/trust?position=over+there"))

    for text in (None, "5", "1:", ":1", "1:-1", "0:5:6", "01:0", "0:05", "1,5"):
        if text:
            ask_receipt(page, text)
        expect(panel(page, "receipt").get_by_role("alert")).to_have_text(
            "A position is a partition and an offset: 2:1841."
        )
        expect(page.get_by_label("Position of the log")).to_have_attribute("aria-invalid", "true")
    assert not [call for call in calls if "receipts" in call]
    ask_receipt(page, " 0:0 ")
    expect(page.get_by_test_id("receipt")).to_have_attribute("data-value", "projected")
    expect(panel(page, "receipt").get_by_role("alert")).to_be_empty()


def answer_changed(page: Page, pattern: str, edit: Callable[[Any], None]) -> None:
    """Let the page see the API's real reply, changed by `edit`."""

    def answer(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "if-none-match"}
        reply = route.fetch(headers=headers)
        body = reply.json()
        edit(body["data"])
        route.fulfill(response=reply, json=body)

    page.route(re.compile(pattern), answer)


def open_changed(dashboard: Dashboard, visits: Visits, *changes: tuple[str, Callable[[Any], None]]) -> Page:
    page = visits.open("about:blank")
    for pattern, edit in changes:
        answer_changed(page, pattern, edit)
    page.goto(dashboard.link("/trust", **tokens_of(dashboard)))
    return page


def test_missing_receipts_are_a_no(dashboard: Dashboard, visits: Visits) -> None:
    """The verdict counts them, the ranges are listed with their last position, and a repair is offered."""

    def lose(data: Found) -> None:
        data.update(complete=False, missing=3)
        data["partitions"][0].update(missing=3, gaps=[[3, 5], [9, 10]])

    page = open_changed(dashboard, visits, (r"/operator/coverage$", lose))

    expect_verdict(page, "no", "No: 3 positions of the log have no receipt.")
    expect(page.get_by_test_id("coverage-complete")).to_have_attribute("data-value", "false")
    assert table_rows(page, "gaps") == [
        {"first": "0:3", "last": "0:4", "positions": "2"},
        {"first": "0:9", "last": "0:9", "positions": "1"},
    ]
    posts = calls_of(page, "POST")
    action(page, "repair").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("Repair g1?")
    page.keyboard.press("Escape")
    expect(action(page, "repair")).to_be_focused()
    assert posts == []
    expect(panel(page, "coverage")).to_contain_text("crewkit-sessions coverage --repair")


def differing(data: Found) -> None:
    session = {"org_id": ORG, "session_id": str(uuid.UUID(int=1))}
    sums = {"org_id": ORG, "level": "total", "model": None}
    data["equal"] = False
    data["differences"] = [
        {"table": "rollup_days", "key": sums, "column": "events", "stored": 12, "recounted": 11},
        {"table": "sessions", "key": session, "column": "last_event_at", "stored": None, "recounted": "<i>x</i>"},
    ]


@pytest.mark.parametrize(
    ("name", "of"),
    [("recount", "all orgs"), pytest.param("org-recount", "acme, .+", marks=pytest.mark.part("browser"))],
)
def test_numbers_that_differ_are_a_no(dashboard: Dashboard, visits: Visits, name: str, of: str) -> None:
    """The verdict counts them, and each is listed with both values, causes before the sums that follow from them."""
    page = open_changed(dashboard, visits, (r"/(operator|ops)/recount", differing))
    action(page, f"recount-{name}").click()

    verdict = page.get_by_test_id("trust-verdict")
    expect(verdict).to_have_text(re.compile(f"^No: 2 numbers of {of} differ from a recount.$"), timeout=SLOW_MS)
    expect(page.get_by_test_id("trust-summary")).to_have_attribute("data-state", "no")
    assert table_rows(page, f"{name}-differences") == [
        {
            "table": "sessions",
            "key": f"org_id=acme, session_id={uuid.UUID(int=1)}",
            "column": "last_event_at",
            "stored": "",
            "recounted": "<i>x</i>",
        },
        {
            "table": "rollup_days",
            "key": "org_id=acme, level=total, model=∅",
            "column": "events",
            "stored": "12",
            "recounted": "11",
        },
    ]
    rows = {row["table"]: row["differences"] for row in table_rows(page, f"{name}-compared")}
    assert rows == {"sessions": "1", "amounts": "0", "rollup_quarters": "0", "rollup_days": "1"}
    expect(action(page, "repair")).to_have_count(1 if name == "recount" else 0)


def known(lag: int = 0, age: float = 0, **more: Any) -> Found:
    """Return the page's state after its first reads, at the times T0 and later."""
    data = {"lag_records": lag, "complete_through": instant(T0), "partitions": []}
    return {"freshness": {"data": data, "ageS": age, "at": instant(T0)}, **more}


def recounted(at: int, note: str | None = None, moving: int = 0) -> Found:
    compared = {"sessions": 1, "events": 2}
    data = {"equal": True, "compared": compared, "moving": {"sessions": moving}, "differences": [], "note": note}
    return {"data": data, "of": "all orgs", "at": instant(T0), "completeThrough": instant(T0 + at)}


def covered(at: int, missing: int = 0) -> Found:
    data = {"complete": not missing, "missing": missing, "positions": 7}
    return {"data": data, "at": instant(T0), "completeThrough": instant(T0 + at)}


def audited(missing: int, **differences: int) -> Found:
    runs = [
        {"scope": scope, "ended": 1, "at": instant(T0), "seconds": 1, "differences": number}
        for scope, number in differences.items()
    ]
    return {"missing": missing, "runs": runs}


def letters(left: int, is_part: bool = False) -> Found:
    return {"total": left, "open": left, "isPart": is_part, "at": instant(T0)}


BEFORE = f"20 Jan{'' if datetime.now(UTC).year == 2026 else ' 2026'} 10:00:00 UTC"
IN_NUMBERS = f"Everything accepted before {BEFORE} is in the numbers."
ALL_ELSE = f"Everything else that was accepted before {BEFORE} is in the numbers."
REPORTED, RECEIPTS = (sentence.replace("TIME", BEFORE) for sentence in (COMPLETE, WITH_RECEIPTS))
VERDICTS: list[tuple[Found, str, str]] = [
    (known(), "complete", REPORTED),
    (known(coverage=covered(0)), "complete", RECEIPTS),
    (known(coverage=covered(0), recount=recounted(0, note="other rules")), "complete", RECEIPTS),
    (known(coverage=covered(0), recount=recounted(0, moving=1)), "complete", RECEIPTS),
    (known(audits=audited(0, hours=0)), "yes", BY_AUDIT.replace("TIME", BEFORE)),
    (known(audits=audited(0, hours=0), lag=1, age=31), "wait", f"Not yet: 1 record is waiting. {IN_NUMBERS}"),
    (known(audits=audited(0, hours=0, all=2)), "no", "No: 2 differences in the last audit."),
    (known(audits=audited(3, hours=0)), "no", "No: 3 records without a receipt."),
    (
        known(coverage=covered(5_000), recount=recounted(0)),
        "yes",
        f"Yes: every event accepted before {BEFORE} is counted exactly once.",
    ),
    (
        known(coverage=covered(0), recount=recounted(5_000)),
        "yes",
        f"Yes: every event accepted before {BEFORE} is counted exactly once.",
    ),
    (known(lag=3, age=29), "complete", REPORTED),
    (known(lag=3, age=31), "wait", f"Not yet: 3 records are waiting. {IN_NUMBERS}"),
    (known(lag=1, age=31), "wait", f"Not yet: 1 record is waiting. {IN_NUMBERS}"),
    (known(age=31), "wait", f"Not known since {BEFORE}: no projector has reported since. {IN_NUMBERS}"),
    (
        known(letters=letters(1)),
        "partly",
        f"Not all: 1 record could not be projected, and is a dead letter. {ALL_ELSE}",
    ),
    (
        known(letters=letters(101, is_part=True)),
        "partly",
        f"Not all: up to 101 records could not be projected, and are dead letters. {ALL_ELSE}",
    ),
    (
        known(letters=letters(1), lag=3, age=31, coverage=covered(0, missing=1)),
        "no",
        "No: 1 position of the log has no receipt.",
    ),
    ({}, "unknown", "Not known yet: not every partition of the log has a report. Is a projector running?"),
]


def test_the_verdict_in_each_state(dashboard: Dashboard, visits: Visits) -> None:
    """It claims no more than the weakest check: the earlier of two times, and the worse result comes first."""
    page = visits.open(dashboard.url)
    folder = re.search(r"/static/[0-9a-f]+/app", page.content())
    assert folder is not None
    script = """async ([path, all, now]) => {
      const { verdictOf } = await import(path);
      return all.map(known => verdictOf(known, now));
    }"""

    path = f"{folder[0]}/pages/trust/verdict.js"
    found = page.evaluate(script, [path, [known for known, _, _ in VERDICTS], T0])

    assert [(each["state"], each["sentence"]) for each in found] == [(state, said) for _, state, said in VERDICTS]


PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def test_each_command_can_be_copied(dashboard: Dashboard, visits: Visits) -> None:
    """What is copied names the installation, and works in any folder; it is selected if the browser allows no more."""
    link = dashboard.link("/trust", **tokens_of(dashboard))
    page = visits.open_apart(link, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_test_id("coverage-complete").wait_for()
    commands = page.locator(".command")
    shown = commands.locator("code").all_inner_texts()
    assert {text.split()[0] for text in shown} == {"crewkit-sessions", "curl"}

    copied = []
    for at, text in enumerate(shown):
        page.get_by_role("button", name=f"Copy: {text}", exact=True).first.click()
        expect(commands.nth(shown.index(text)).get_by_role("button")).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
        assert copied[at].startswith(text)

    tokens = {"OPERATOR_TOKEN": dashboard.operator_token(), "TOKEN": dashboard.token()}
    for text in {
        text for text in copied if re.match("curl|crewkit-sessions (freshness|coverage|generations|erasures)", text)
    }:
        subprocess.run(["sh", "-c", text], check=True, env={**os.environ, **tokens, "PATH": PATH}, cwd="/")

    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')) }")
    panel(page, "freshness").get_by_role("button", name="Copy").click()
    page.wait_for_function("getSelection().toString() === 'crewkit-sessions freshness'")


# Everything that the page changes: on a separate installation, in the order of the file.


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Return a small installation that tests may change."""
    installation = Installation("up", tmp_path_factory.mktemp("trust") / "up")
    try:
        yield Dashboard(installation.start(), [], [])
    finally:
        installation.end()


@pytest.fixture(scope="module")
def session(own: Dashboard) -> str:
    """Return a session of the small installation."""
    with own.installation.client() as client:
        reply = client.post(f"/api/v1/{ORG}/sessions", json={"title": "the first"})
        found: str = reply.json()["data"]["id"]
        return found


def events_of(own: Dashboard, session: str, position: str) -> int:
    """Return the number of events of a session as of a position."""
    with own.installation.client() as client:
        wait = {"X-Wait-For-Position": position}
        reply = client.get(f"/api/v1/{ORG}/sessions/{session}", headers=wait).raise_for_status()
        found: int = reply.json()["data"]["counts"]["events"]
        return found


def record_of(session: str, prompt: str) -> bytes:
    """Return a record with one event."""
    event = hook("UserPromptSubmit", event_id=uuid.uuid4(), prompt=prompt)
    return encode(recorded(uuid.UUID(session), event, record_id=uuid.uuid4()))


def dead_letter(own: Dashboard, value: bytes) -> str:
    """Append a dead letter in another thread, because the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(append_dead_letter, own.installation, value).result()


def confirm(page: Page, name: str) -> None:
    page.get_by_test_id("confirm").get_by_role("button", name=name, exact=True).click()


def show_letter(page: Page, position: str) -> Locator:
    action(page, f"show {position}").click()
    letter = page.locator(f'[data-letter="{position}"]')
    expect(letter.get_by_role("heading", name=f"Dead letter {position}")).to_be_focused()
    return letter


def redriven_to(page: Page) -> str:
    """Return where the visible letter was appended again."""
    position = page.get_by_test_id("redriven").get_attribute("data-value")
    assert position is not None
    return position


@pytest.fixture(scope="module")
def operator(own: Dashboard) -> Operator:
    return Operator(own.installation)


@pytest.fixture(scope="module")
def second(own: Dashboard, session: str, operator: Operator) -> str:
    """Return the name of a generation that was made by a replay."""
    assert operator.generations().keys() == {"g1"}
    done = own.installation.command("replay", "--to", "g2")
    assert done.returncode == 0, done.stderr
    return "g2"


@pytest.fixture(scope="module")
def proved(second: str, operator: Operator) -> str:
    """Return the same generation, proved by the first test that needed it."""
    if operator.generations()[second]["proof"] is None:
        operator.do("prove", second)
    return second


@pytest.fixture
def dead(own: Dashboard, session: str) -> str:
    """Return the position of a dead letter; earlier tests may have left one."""
    known = own.operator_api("/dead-letters")["data"]
    return str(known[0]["position"]) if known else dead_letter(own, record_of(session, "misplaced"))


def card(page: Page, name: str) -> Locator:
    return page.locator(f'[data-generation="{name}"]')


def do(page: Page, kind: str, name: str) -> None:
    """Request a job with its button and dialog, and wait until the page shows the result."""
    action(page, f"{kind} {name}").click()
    confirm(page, kind.capitalize())
    line = page.locator(".work-line", has_text=f"{kind} {name}")
    expect(line).to_have_attribute("data-state", "done", timeout=SLOW_MS)


def test_prove_and_switch(own: Dashboard, visits: Visits, operator: Operator, second: str) -> None:
    """A new generation needs a proof before a switch; then all readers use it, and the reader can switch back."""
    page = open_trust(own, visits)
    expect(card(page, second)).to_have_attribute("data-state", "following")
    expect(card(page, second)).to_contain_text(f"Can't switch: {second} is not proved: prove it first.")
    expect(action(page, f"switch {second}")).to_have_count(0)

    do(page, "prove", second)
    proof = operator.proof(second)
    assert proof["equal"]
    expect(card(page, second).get_by_test_id("proof")).to_have_attribute("data-value", "true")
    expect(card(page, second).get_by_test_id("proof")).to_contain_text(f"equal to {proof['compared_with']}")
    action(page, f"proof {second}").click()
    report = page.get_by_test_id("proof-report")
    expect(report.get_by_role("heading")).to_be_focused()
    for words in proof["words"]:
        expect(report).to_contain_text(words)
    assert {row["table"]: int(row["compared"]) for row in table_rows(page, "proof-compared")} == proof["compared"]

    for name, former in ((second, "g1"), ("g1", second)):
        action(page, f"switch {name}").click()
        confirmation = page.get_by_test_id("confirm")
        expect(confirmation).to_contain_text(f"All readers of all orgs see {name} instead of {former}")
        expect(confirmation.locator(".warning")).to_have_count(0 if name == second else 1)
        page.keyboard.press("Escape")
        do(page, "switch", name)
        expect(page.get_by_test_id("org-generation")).to_have_attribute("data-value", name)
        expect(card(page, name)).to_have_attribute("data-state", "live")
        with own.installation.client() as client:
            assert client.get(f"/api/v1/{ORG}/sessions").headers["x-generation"] == name


def test_a_dead_letter_is_shown_and_corrected(own: Dashboard, visits: Visits, session: str) -> None:
    """The verdict counts it, its bytes are shown as text, never as markup, and a correction is projected once."""
    visits.failed_loads_are_fine = True
    poison = '<b id="poison">not a record</b>'
    position = dead_letter(own, poison.encode())
    page = open_trust(own, visits)
    posts = calls_of(page, "POST")
    expect_verdict(
        page,
        "partly",
        "Not all: 1 record could not be projected, and is a dead letter. "
        "Everything else that was accepted before TIME is in the numbers.",
    )
    reason = own.operator_api(f"/dead-letters/{position}")["data"]["reason"]
    expect(page.locator('[data-table="dead-letters"]')).to_contain_text(reason)

    letter = show_letter(page, position)
    expect(letter.locator("pre")).to_have_text(poison)
    expect(page.locator("#poison")).to_have_count(0)
    expect(letter).to_contain_text(reason)
    expect(letter).to_contain_text(NO_SESSION.decode())
    letter.get_by_role("button", name="Close").click()
    expect(action(page, f"show {position}")).to_be_focused()

    letter = show_letter(page, position)
    action(page, f"redrive {position}").click()
    confirm(page, "Redrive")
    refused = letter.get_by_test_id("refusal")
    expect(refused).to_have_attribute("data-status", "422")
    expect(refused).to_contain_text(f"can't be projected: {reason}")

    letter.get_by_text("Correct the record first").click()
    letter.get_by_role("button", name="Start from the record as it is").click()
    field = letter.get_by_label("Corrected record")
    expect(field).to_have_value(poison)
    for text, why in ((poison, "This is not JSON"), ("[1]", "A record is an object")):
        field.fill(text)
        action(page, f"redrive {position}").click()
        expect(letter.get_by_role("alert").first).to_contain_text(why)
    assert len(posts) == 1

    field.fill(record_of(session, "corrected").decode())
    action(page, f"redrive {position}").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("This appends the corrected record to the end of the log")
    confirm(page, "Redrive")
    to = redriven_to(page)
    assert events_of(own, session, to) == 1
    expect(page.locator('[data-table="dead-letters"] [data-key="redriven_to"]')).to_have_text(to)
    assert number(page, '[data-testid="dead-letters"]') == 1
    assert number(page, '[data-testid="dead-letters-open"]') == 0
    expect_verdict(page, "complete", WITH_RECEIPTS)
    expect(page.get_by_test_id("coverage-dead")).to_have_attribute("data-value", "1")


def test_a_dead_letter_is_redriven_as_it_is(own: Dashboard, visits: Visits, session: str) -> None:
    """A record under a wrong key is dead for its org until it is appended with the right key; then it counts once."""
    dead = dead_letter(own, record_of(session, "misplaced"))
    page = open_trust(own, visits)
    receipt = page.get_by_test_id("receipt")
    ask_receipt(page, dead)
    expect(receipt).to_have_attribute("data-value", "dead")
    expect(receipt).to_contain_text(own.operator_api(f"/dead-letters/{dead}")["data"]["reason"])

    show_letter(page, dead)
    action(page, f"redrive {dead}").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("This appends the record, as it is, to the end of the log")
    confirm(page, "Redrive")

    to = redriven_to(page)
    before = events_of(own, session, to)
    ask_receipt(page, to)
    expect(receipt).to_have_attribute("data-value", "projected")
    assert number(page, '[data-testid="receipt-added"]') == 1
    action(page, f"redrive {dead}").click()
    confirm(page, "Redrive")
    expect(page.get_by_test_id("redriven")).not_to_have_attribute("data-value", to)
    assert events_of(own, session, redriven_to(page)) == before


@pytest.mark.part("browser")
def test_each_question_can_be_declined(
    own: Dashboard, visits: Visits, operator: Operator, proved: str, dead: str
) -> None:
    """Cancel and Escape request nothing, and the focus returns to the button that asked."""
    page = open_trust(own, visits)
    show_letter(page, dead)
    posts = calls_of(page, "POST")
    offered = page.locator(".actions [data-action]").evaluate_all("all => all.map(({dataset}) => dataset.action)")
    questions = [name for name in offered if not name.startswith("proof ")]
    assert {name.split()[0] for name in questions} == {"prove", "pause", "switch", "drop"}

    for name in [*questions, f"redrive {dead}"]:
        for leave in (lambda: confirm(page, "Cancel"), lambda: page.keyboard.press("Escape")):
            action(page, name).click()
            expect(page.get_by_test_id("confirm")).to_be_visible()
            leave()
            expect(page.get_by_test_id("confirm")).to_have_count(0)
            expect(action(page, name)).to_be_focused()
    assert posts == []
    assert not [found for found in operator.generations().values() if found["paused"] or found["state"] == "dropped"]


def test_the_named_commands_exist(
    own: Dashboard, visits: Visits, second: str, dead: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command on the page exists in this version; those that change nothing exit with 0."""
    page = open_trust(own, visits)
    show_letter(page, dead)
    ask_receipt(page, "0:0")
    page.get_by_test_id("receipt").wait_for()
    lines = dict.fromkeys(page.locator(".command code").all_inner_texts())
    lines |= dict.fromkeys(["crewkit-sessions coverage --repair", "crewkit-sessions token --operator --data DIR"])
    page.close()
    secrets = {"TOKEN": own.token(), "OPERATOR_TOKEN": own.operator_token()}
    reads = tuple("freshness coverage recount dead-letters generations token erasures".split())

    for line in lines:
        program, _, rest = line.partition(" ")
        if program == "curl":
            ended = subprocess.run(
                ["sh", "-c", f"{line} -sS --fail"], env={**os.environ, **secrets}, capture_output=True
            )
            assert ended.returncode == 0, (line, ended.stderr)
            assert json.loads(ended.stdout)["data"]
            continue
        assert program == "crewkit-sessions"
        words = rest.replace(" --data DIR", "").split()
        is_read = rest.startswith(reads) and not {"--repair", "redrive"} & set(words)
        more = ["--data", own.installation.data] if is_read else ["--help"]
        found = command_here(capsys, *words, *more)
        assert found.code == 0, (line, found.complaint)
        assert found.output
    named = {line.split()[1] for line in lines if line.startswith("crewkit-sessions")}
    assert named == {
        *("freshness", "coverage", "recount", "audit", "dead-letters", "generations", "replay", "prove", "token"),
        "erasures",
    }


def test_jobs_say_who_did_what(own: Dashboard, visits: Visits, second: str) -> None:
    """The list equals the API's: newest first, with user, time and result."""
    page = open_trust(own, visits)
    do(page, "prove", "g1")
    expect(page.locator('[data-table="jobs"] tbody tr').first).to_contain_text("equal true")
    fields = ("requested_at", "requested_by", "state", "finished_at")
    found = own.operator_api("/jobs?per_page=10")["data"]

    expected = [{"kind": f"{each['kind']} {each['generation']}", **texts(each, *fields)} for each in found]
    assert only(table_rows(page, "jobs"), "kind", *fields) == expected
    assert (expected[0]["kind"], expected[0]["requested_by"], expected[0]["state"]) == ("prove g1", "demo", "done")
    replayed = next(each for each in found if each["kind"] == "replay")
    assert replayed["requested_by"] == "cli"
    row = page.locator('[data-table="jobs"] tr', has_text=f"replay {second}")
    expect(row).to_contain_text(f"facts {replayed['results'][0]['facts']:,}")


def test_pause_drop_and_resume(own: Dashboard, visits: Visits, session: str, operator: Operator, proved: str) -> None:
    """While the live generation is paused, the page says what waits; a dropped name stays taken; it then resumes."""
    visits.failed_loads_are_fine = True
    page = open_trust(own, visits)
    action(page, f"pause {proved}").click()
    operator.do("pause", proved)
    confirm(page, "Pause")
    expect(page.get_by_test_id("refusal")).to_have_text(f"Refused: {proved} is paused already.")
    page.get_by_role("button", name="Dismiss").click()

    do(page, "pause", "g1")
    expect(card(page, "g1")).to_contain_text("paused")
    eventually(lambda: 'generation_paused{generation="g1"} 1' in httpx.get(f"{own.url}/metrics").text)
    with own.installation.client() as client:
        reply = client.post(f"/api/v1/{ORG}/sessions/{session}/end", json={"outcome": "success"})
        position = reply.raise_for_status().json()["meta"]["position"]
    ask_receipt(page, position)
    expect(page.get_by_test_id("receipt")).to_have_attribute("data-value", "waiting")

    do(page, "drop", proved)
    expect(card(page, proved)).to_have_count(0)
    page.get_by_text("1 dropped").click()
    expect(card(page, proved)).to_have_attribute("data-state", "dropped")
    expect(card(page, proved).locator(".actions button")).to_have_count(1)  # its proof
    expect(panel(page, "generations")).to_contain_text("crewkit-sessions replay --to g3")
    assert number(page, '[data-testid="lag-records"]') == 1

    make_late(page)
    sentence = "Not yet: 1 record is waiting. Everything accepted before TIME is in the numbers."
    expect_verdict(page, "wait", sentence)
    page.unroute_all(behavior="wait")
    do(page, "resume", "g1")
    expect_verdict(page, "complete", WITH_RECEIPTS)
    events_of(own, session, position)  # waits for it
    ask_receipt(page, position)
    expect(page.get_by_test_id("receipt")).to_have_attribute("data-value", "projected")


def make_late(page: Page) -> None:
    """Let the page see waiting records as a minute old, without waiting for a minute."""

    def age(data: Found) -> None:
        data["partitions"][0]["age_seconds"] = 60

    answer_changed(page, "/operator/freshness$", age)
    page.evaluate("dispatchEvent(new Event('online'))")


def test_a_session_is_erased(own: Dashboard, visits: Visits) -> None:
    """Only after the reader has seen which one; then the list has it, and no page shows it."""
    title = "<b>not markup</b>"
    with own.installation.client("member") as client:
        reply = client.post(f"/api/v1/{ORG}/sessions", json={"title": title}).raise_for_status()
        session = reply.json()["data"]["id"]
        metrics = {"model_metrics": {"cost_usd": 1.25}}
        client.patch(f"/api/v1/{ORG}/sessions/{session}", json=metrics).raise_for_status()
    visits.failed_loads_are_fine = True
    page = visits.open(own.link("/trust", token=own.token()))
    field = panel(page, "erasures").get_by_role("textbox", name="Session")
    for text, why in (("mia", "36 characters"), (str(uuid.uuid4()), "no such session")):
        field.fill(text)
        action(page, "erase").click()
        expect(panel(page, "erasures")).to_contain_text(why)

    field.fill(session)
    action(page, "erase").click()
    asked = page.get_by_test_id("confirm")
    expect(asked).to_contain_text(title)
    expect(asked).to_contain_text("$1.25")
    confirm(page, "Cancel")
    expect(panel(page, "erasures")).to_contain_text("No session was erased.")
    action(page, "erase").click()
    asked.get_by_label("Number of a ticket").fill("DSR-118")
    confirm(page, "Erase")

    expect(page.get_by_test_id("erased")).to_contain_text(session)
    (row,) = table_rows(page, "erasures")
    assert only([row], "session_id", "state", "reason") == [
        {"session_id": session, "state": "hidden", "reason": "DSR-118"}
    ]
    with own.installation.client() as client:
        assert client.get(f"/api/v1/{ORG}/sessions/{session}").status_code == httpx.codes.NOT_FOUND
        known = client.get(f"/api/v1/{ORG}/erasures/{row['id']}").raise_for_status().json()["data"]

    action(page, f"erasure {session}").click()
    card = page.locator(f'[data-erasure="{row["id"]}"]')
    for step, at in known["steps"].items():
        expect(card.get_by_test_id(f"step-{step}")).to_have_attribute("data-value", at or "")
    assert [known["steps"][step] is None for step in ("hidden", "swept", "certified")] == [False, True, True]
    assert number(page, '[data-testid="erased-records"]') == known["records"]["erased"] == 2
    expect(card).to_contain_text(known["waits_for"][0])
    expect(action(page, f"certificate {row['id']}")).to_have_count(0)
    card.get_by_role("button", name="Close").click()
    expect(action(page, f"erasure {session}")).to_be_focused()


def test_the_certificate_of_an_erasure_is_downloaded(own: Dashboard, visits: Visits) -> None:
    """A sweep takes ten minutes, so the page gets what the API says after one."""
    page = visits.open(own.link("/trust", token=own.token()))
    with own.installation.client() as client:
        (erasure,) = client.get(f"/api/v1/{ORG}/erasures").json()["data"]
        data = client.get(f"/api/v1/{ORG}/erasures/{erasure['id']}").json()["data"]
    address = f"**/api/v1/{ORG}/erasures/{erasure['id']}"
    certified = {"data": {**data, "state": "certified", "waits_for": []}, "meta": {}}
    page.route(address, lambda route: route.fulfill(json=certified))
    page.route(f"{address}/certificate", lambda route: route.fulfill(json={"data": {"format": 1}, "meta": {}}))
    action(page, f"erasure {erasure['session_id']}").click()

    with page.expect_download() as download:
        action(page, f"certificate {erasure['id']}").click()

    assert download.value.suggested_filename == f"erasure-{erasure['id']}.json"
    assert json.loads(Path(download.value.path()).read_text()) == {"format": 1}


@pytest.mark.parametrize("role", ["manager", "member", "viewer"])
def test_who_may_not_erase_is_not_offered_it(dashboard: Dashboard, visits: Visits, role: Role) -> None:
    """The API would refuse it."""
    page = visits.open(dashboard.link("/trust", token=dashboard.token(role)))
    panel(page, "receipt").wait_for()

    expect(panel(page, "erasures")).to_have_count(0)
