"""The load of `bench/`, and its comparisons: seeded, with several orgs and lengths, taking turns."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from bench import question
from bench.__main__ import write_results
from bench.population import (
    ORG,
    ORGS,
    SCRIPTS,
    PlannedRequest,
    draw_sessions,
    make_scripts,
    place_in_script,
    take_turns,
)
from bench.question import Turn, Wanted, figure


def test_sessions_send_exactly_what_was_asked_for_and_the_same_each_time() -> None:
    """Two runs, or the two sides of a comparison, send the same."""
    sessions = draw_sessions(3_000, 100)

    assert sum(session.requests for session in sessions) == 3_000
    assert sessions == draw_sessions(3_000, 100)
    assert sessions != draw_sessions(3_000, 100, seed=8)


def test_orgs_differ_in_size_and_sessions_in_length() -> None:
    """One org with equal sessions would hide the cost of many orgs and short sessions."""
    sessions = draw_sessions(50_000, 10)
    by_org = Counter(session.org for session in sessions)
    lengths = sorted(session.requests for session in sessions)

    assert set(by_org) == set(ORGS)
    assert by_org[ORG] == max(by_org.values()) > 5 * min(by_org.values())
    assert 20 < lengths[len(lengths) // 2] < 45  # the median has 300 events
    assert lengths[0] < 5
    assert lengths[-1] > 400


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
def test_every_request_is_sent_once_and_those_of_a_session_in_order(at_once: int) -> None:
    """No more sessions than ``at_once`` are open at any time."""
    sessions = draw_sessions(2_000, 100)
    sent = list(take_turns(sessions, at_once))
    seen: Counter[int] = Counter()
    open_now: set[int] = set()
    for session, nth in sent:
        assert nth == seen[session]
        seen[session] += 1
        open_now.add(session)
        assert len(open_now) <= at_once
        if seen[session] == sessions[session].requests:
            open_now.remove(session)

    assert seen == Counter({number: session.requests for number, session in enumerate(sessions)})


@pytest.mark.slow
@pytest.mark.parametrize("batch", [100, 10])
def test_no_session_sends_one_body_twice(batch: int) -> None:
    """Without ids, the same event sent twice counts once: the figures would include events that are not stored."""
    scripts = make_scripts(batch)
    longest = max(session.requests for session in draw_sessions(10_000, batch))

    assert len(scripts) == SCRIPTS
    for session in (0, 5, 123):
        places = {place_in_script(PlannedRequest(session, nth), len(scripts[0])) for nth in range(longest)}
        assert len(places) == longest


def test_sides_take_turns_in_alternating_order() -> None:
    """The side that comes first meets an emptier or fuller page cache."""
    order: list[str] = []

    def side(name: str, rate: float) -> Turn:
        order.append(name)
        return Turn(rate, 1.0)

    sides = {"ours": lambda: side("ours", 30.0), "baseline": lambda: side("baseline", 20.0)}
    turns = question.in_turns(sides, lambda _: None, 3)

    assert order == ["ours", "baseline", "baseline", "ours", "ours", "baseline"]
    assert turns == {"ours": [Turn(30.0, 1.0)] * 3, "baseline": [Turn(20.0, 1.0)] * 3}


def test_a_comparison_is_the_median_of_the_ratios_of_its_rounds() -> None:
    """A round is slow or fast for both sides, so rounds are compared, not the medians of the two sides."""
    ours, baseline = [Turn(10, 2), Turn(40, 4), Turn(90, 8)], [Turn(20, 1), Turn(40, 1), Turn(30, 1)]

    by_cost, found = question.compare("ours_vs_other", ours, baseline, "the other", Wanted(rate=1.1))

    assert (found.minimum, found.median, found.maximum, found.rounds) == (0.5, 1.0, 3.0, 3)
    assert (found.ratio, found.value, found.wanted, found.good) == (1.0, 1.0, 1.1, False)
    assert (by_cost.minimum, by_cost.median, by_cost.maximum) == (0.125, 0.25, 0.5)  # how much cheaper our side is


def test_results_of_other_questions_stay_in_the_file(tmp_path: Path) -> None:
    """A single question can be measured; the file then has the latest figure of each."""
    file = tmp_path / "bench.json"
    write_results([figure("a", [1.0, 3.0, 2.0], "events/s"), figure("b", 1, "s")], file)
    write_results([figure("b", 2, "s")], file)

    results = {each["name"]: each for each in msgspec.json.decode(file.read_bytes())["results"]}
    assert (results["a"]["minimum"], results["a"]["median"], results["a"]["maximum"]) == (1.0, 2.0, 3.0)
    assert results["b"]["value"] == 2
