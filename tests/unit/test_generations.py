"""The history of each generation, from the rows about it."""

from store.generations import known_generations
from tests.support.control import NOW_US, events


def test_the_latest_switch_says_which_one_is_live() -> None:
    """One is live at a time; every switch is in the history, and the generation last left says how long ago."""
    known = {
        one.name: one
        for one in known_generations(events("g1 created", "g1 live", "g2 created", "g2 live", "g1 live", "g2 live"))
    }

    assert [one.name for one in known.values() if one.is_live] == ["g2"]
    assert known["g1"].live_at_us == [NOW_US - 5_000_000, NOW_US - 2_000_000]
    assert known["g2"].live_at_us == [NOW_US - 3_000_000, NOW_US - 1_000_000]
    assert (known["g1"].left_us_ago, known["g2"].left_us_ago) == (1_000_000, None)


def test_a_pause_holds_until_it_is_lifted() -> None:
    """It holds across switches; a dropped generation is no longer paused."""
    paused = known_generations(events("g1 created", "g1 live", "g1 paused", "g1 live"))[0]
    resumed = known_generations(events("g1 created", "g1 paused", "g1 resumed"))[0]
    dropped = known_generations(events("g1 created", "g1 paused", "g1 dropped"))[0]

    assert (paused.is_paused, paused.is_live) == (True, True)
    assert not resumed.is_paused
    assert (dropped.is_paused, dropped.is_dropped) == (False, True)


def test_a_generation_is_what_it_was_created_with() -> None:
    """A second row, by a concurrent process, changes nothing; generations are listed oldest first."""
    rows = events("g2 created", "g1 created", "g2 created", "g2 live")

    known = known_generations(rows)

    assert [(one.name, one.made.made_us) for one in known] == [("g2", rows[0].at_us), ("g1", rows[1].at_us)]
    assert (known[0].made.partitions, known[0].made.fold_version, known[0].made.prices_sha256) == (2, 1, "prices")


def test_rows_of_an_unknown_generation_or_event_change_nothing() -> None:
    """A newer version may add events."""
    rows = events("g1 created", "g1 live", "g9 live", "g9 dropped", "g1 archived")

    (known,) = known_generations(rows)

    assert (known.name, known.is_live, known.is_dropped) == ("g1", True, False)


def test_a_switch_to_the_live_one_leaves_nothing() -> None:
    """Two processes may record the same switch."""
    rows = events("g1 created", "g1 live", "g2 created", "g2 live", "g2 live")

    known = {one.name: one for one in known_generations(rows)}

    assert [one.name for one in known.values() if one.is_live] == ["g2"]
    assert known["g1"].left_us_ago == 2_000_000
