"""The ledger of model requests, work, and a session's names if none were given."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from prices.price_list import PriceList
from schemas import ids
from schemas.log.price import Price
from schemas.log.records import AnyRecord, Event, MetricsReport, WorkTotals
from schemas.store.rows import SessionRow
from tests.support.builders import (
    HOUR_MS,
    MINUTE_MS,
    ORG,
    T0,
    changed,
    created,
    described,
    ended,
    hook,
    reported,
    session_id,
    usage,
)
from tests.support.folded import SESSION, row_of

SONNET = "claude-sonnet-4-5"


def request(request_id: str | None = None, at: int = T0, **fields: Any) -> Event:
    """Return a model request, received at `T0`."""
    named = {"request_id": request_id} if request_id else {}
    return hook("ApiRequest", at, **named, **{"model": SONNET, "input_tokens": 1000, **fields})


def measured(name: str, value: Any, **fields: Any) -> Event:
    """Return a measurement of work."""
    return hook("Measurement", name=name, value=value, **fields)


def worked(at: int | None = None, **work: int) -> AnyRecord:
    """Return a report that has only work."""
    return msgspec.structs.replace(reported(SESSION), report=MetricsReport((), at, WorkTotals(**work)))


def test_a_request_counts_once() -> None:
    """If two have the same id, the first counts; without an id, each counts."""
    row = row_of(request("r"), request("r", input_tokens=7), request("s", input_tokens=10), request(), request())

    assert (row.api_requests, row.input_tokens) == (4, 3010)


def test_a_cost_is_the_clients_or_that_of_the_prices() -> None:
    """1,000 input tokens of Sonnet at 3 dollars per million are 3,000,000 nano-dollars."""
    given = row_of(request(cost_usd=0.1), request())
    unknown = row_of(request(cost_usd=0.1, model="who"), request(model="who"))

    assert [(m.cost_nano, m.cost_source) for m in given.models] == [(103_000_000, "measured")]
    assert [(m.cost_nano, m.cost_source) for m in unknown.models] == [(100_000_000, "unknown")]
    assert given.measured_cost_nano == unknown.measured_cost_nano == 100_000_000


def test_requests_are_priced_as_of_the_begin_of_their_hour_and_rounded_together() -> None:
    """The sum is rounded down once. A request dated tomorrow by a fast clock costs what it did when it was received."""
    prices = PriceList([Price("m", 0, *[500_000] * 5), Price("m", T0 + HOUR_MS // 2, *[5_000_000] * 5)])
    one = {"model": "m", "input_tokens": 1}

    def cost(*times: int) -> int:
        return row_of(*[request(at=at, **one) for at in times], prices=prices).cost_nano

    assert cost(T0) == 0  # half a nano-dollar
    assert cost(T0, T0 + MINUTE_MS) == cost(T0, T0 + 24 * HOUR_MS) == 1
    assert cost(T0, T0 - HOUR_MS) == 1  # in two hours


def test_models_have_one_name() -> None:
    """Requests and reports lose suffix and date; in a report, prices are those of the name as sent."""
    spelled = [request(model=name) for name in (SONNET, f"{SONNET}[1m]", f"{SONNET}-20250929")]

    row = row_of(*spelled)

    assert [(m.model, m.input_tokens) for m in row.models] == [(SONNET, 3000)]
    assert [m.model for m in row_of(reported(SESSION, usage(f"{SONNET}[1m]"), usage())).models] == [SONNET]


def test_a_report_counts_before_what_was_measured_and_both_are_kept() -> None:
    """A report without any model is ignored."""
    report, empty = reported(SESSION, usage("m", input_tokens=5, cost_nano=9)), reported(SESSION)

    row = row_of(request(), report)

    assert ([m.model for m in row.models], row.input_tokens, row.is_reported) == (["m"], 5, True)
    assert [(m.model, m.input_tokens) for m in row.measured] == [(SONNET, 1000)]
    assert (row_of(request(), report, empty).input_tokens, row_of(request(), empty).is_reported) == (1000, False)


def test_an_incomplete_report_counts_while_it_has_more_than_was_measured() -> None:
    """Both are lower bounds then."""

    def row(tokens: int) -> SessionRow:
        whole = reported(SESSION, usage("m", input_tokens=tokens))
        partial = msgspec.structs.replace(whole, report=msgspec.structs.replace(whole.report, is_incomplete=True))
        return row_of(request(input_tokens=1_000, output_tokens=7), partial)

    shown = [(found.input_tokens, found.is_reported, found.is_incomplete) for found in map(row, (1_007, 1_008))]
    assert shown == [(1_000, False, False), (1_008, True, True)]


def test_agents_have_their_own_sums() -> None:
    """The main agent has no id; an agent's type may be known from any payload."""
    row = row_of(
        request(cost_usd=0.2),
        request(cost_usd=0.1, agent_id="a", output_tokens=5, cache_read_tokens=7),
        request(cost_usd=0.1, agent_id="a", model="other", cache_creation_tokens=9, cache_creation_1h_tokens=9),
        hook("SubagentStart", agent_id="a", agent_type="Explore"),
    )

    assert row.agents == [("", "", 1, 1000, 200_000_000), ("a", "Explore", 2, 2021, 200_000_000)]


@pytest.mark.parametrize("value", ["7", -1, None, True, [1], 1e300])
def test_a_number_of_another_kind_is_none(value: object) -> None:
    """The request still counts."""
    row = row_of(request(input_tokens=value, cost_usd=value), measured("commits", value))

    assert (row.api_requests, row.input_tokens, row.cost_nano, row.commits) == (1, 0, 0, 0)


def test_measurements_add_up() -> None:
    """Deltas are added; for a cumulative series the highest sum counts, each series separately."""

    def cumulative(value: float, series: str) -> Event:
        return measured("active_seconds", value, series=series, cumulative=True)

    row = row_of(
        *(measured("lines_added", 3), measured("lines_added", 4), measured("active_seconds", 0.0004)),
        *(measured("coffees", 3), measured("active_ms", 3), measured("pull_requests", 1, series="x")),
        *(cumulative(5, "a"), cumulative(2, "a"), cumulative(7.5, "a"), cumulative(1, "b")),
    )

    assert (row.lines_added, row.active_ms, row.pull_requests, row.commits) == (7, 8500, 1, 0)


def test_reported_work_replaces_what_was_measured() -> None:
    """The latest report with work counts; a report with only work leaves the tokens unchanged."""
    tokens = reported(SESSION, usage("m", input_tokens=5))

    row = row_of(measured("commits", 3), worked(commits=1), tokens, worked(commits=2), request())

    assert (row.commits, row.input_tokens) == (2, 5)
    assert row_of(worked(at=T0 + 5, commits=1), worked(at=T0, commits=9)).commits == 1


NAMES: list[tuple[list[AnyRecord | Event], dict[str, str | None]]] = [
    ([], {"title": None, "summary": None, "model": None, "trigger": "interactive", "client": None}),
    ([hook("SessionStart", session_title="a")], {"title": "a"}),
    ([hook("SessionStart", T0 + 1, session_title="b"), hook("UserPromptSubmit", session_title="a")], {"title": "b"}),
    ([hook("SessionStart", session_title="x" * 600)], {"title": "x" * 512}),
    ([changed(SESSION, title="c"), hook("SessionStart", session_title="a")], {"title": "c"}),
    ([changed(SESSION, title=None), hook("SessionStart", session_title="a")], {"title": None}),
    ([hook("Stop", last_assistant_message="a")], {"summary": "a"}),
    ([hook("Stop", prompt_response="of Gemini")], {"summary": "of Gemini"}),
    ([hook("Stop", T0 + 1, last_assistant_message="b"), hook("Stop", last_assistant_message="a")], {"summary": "b"}),
    ([hook("Stop", last_assistant_message="a"), hook("Stop", T0 + 1)], {"summary": "a"}),
    ([hook("Stop", last_assistant_message="a", agent_id="x")], {"summary": None}),
    ([hook("StopFailure", last_assistant_message="a")], {"summary": None}),
    ([hook("Stop", last_assistant_message="é" * 3000)], {"summary": "é" * 2000}),
    ([ended(SESSION, summary="s"), hook("Stop", last_assistant_message="a")], {"summary": "s"}),
    ([changed(SESSION, summary=None), hook("Stop", last_assistant_message="a")], {"summary": None}),
    ([created(SESSION, model="c"), hook("SessionStart", model="s")], {"model": "c"}),
    ([created(SESSION, model="c"), hook("PostModelSwitch", to_model="p")], {"model": "p"}),
    ([hook("PostModelSwitch", T0 + 1, to_model="q"), hook("PostModelSwitch", to_model="p")], {"model": "q"}),
    ([hook("SessionStart", model="s"), hook("SessionStart")], {"model": "s"}),
    ([request()], {"model": SONNET}),
    ([reported(SESSION, usage("m")), request()], {"model": "m"}),
    ([request(output_tokens=1), request(model="o", output_tokens=2), *[request(agent_id="a")] * 9], {"model": "o"}),
    ([request(agent_id="a"), request(agent_id="a", model="o")], {"model": None}),
    ([described(SESSION, client_version="1"), described(SESSION)], {"client": "claude-code", "client_version": "1"}),
    ([created(SESSION, client="codex"), described(SESSION)], {"client": "claude-code"}),
    ([described(SESSION), created(SESSION, client="codex")], {"client": "claude-code"}),
    (
        [described(SESSION, trigger="headless", branch="b", repo="r")],
        {"trigger": "headless", "branch": "b", "repo": "r"},
    ),
    ([described(SESSION, branch="b"), described(SESSION, branch="c"), described(SESSION)], {"branch": "c"}),
    ([described(SESSION, branch="b", repo="r"), created(SESSION, branch="x", repo="y")], {"branch": "x", "repo": "y"}),
    ([changed(SESSION, branch=None), described(SESSION, branch="b")], {"branch": None}),
]


@pytest.mark.parametrize(("facts", "expected"), NAMES)
def test_names_are_the_given_ones_or_what_the_client_says(
    facts: list[AnyRecord | Event], expected: dict[str, str | None]
) -> None:
    """Each case shows which of several values wins."""
    row = row_of(*facts or [hook("Notification")])

    assert {name: getattr(row, name) for name in expected} == expected


def test_a_session_whose_client_names_its_parent_is_in_the_parents_thread() -> None:
    """This holds unless it was cleared, or its create said otherwise."""
    parent = session_id("parent")

    def thread(*facts: AnyRecord) -> tuple[SessionRow, UUID]:
        row = row_of(*facts)
        return row, row.thread_id

    forked, thread_of_fork = thread(described(SESSION, parent_id=parent, relation="fork"))
    _, thread_of_cleared = thread(described(SESSION, parent_id=parent, relation="clear"))

    assert (forked.parent_id, forked.relation) == (parent, "fork")
    assert thread_of_fork == ids.thread_id(ORG, ids.thread_of(parent))
    assert thread_of_cleared == ids.thread_id(ORG, ids.thread_of(SESSION))


def test_a_report_without_a_model_belongs_to_the_model_of_the_create() -> None:
    """It does not belong to the model that the client switched to: the totals are from the beginning."""
    switched = hook("PostModelSwitch", to_model="p")

    row = row_of(created(SESSION, model="c"), switched, reported(SESSION, usage(None, input_tokens=1)))

    assert [m.model for m in row.models] == ["c"]
