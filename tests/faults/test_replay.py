"""Row 23: what a replay must survive, once replay exists."""

import pytest


@pytest.mark.fault(row=23)
@pytest.mark.skip(reason="replay, prove, switch and drop are not in this version: there is nothing to break yet")
def test_a_replay_under_load_that_crashes_answers_as_before_until_the_switch_and_equal_after_it() -> None:
    """A crashed replay changes no response before the switch, and the tables are equal after it."""
