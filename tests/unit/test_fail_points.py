"""Fail points: without the variable they do nothing; with it they act only at the nth pass of their name."""

import os
import signal
import subprocess
import sys

import pytest

from store.fail_points import BadFailPoint, FailPointHit, _off, arm, fail_point, parse_fail_points


def test_without_the_variable_there_is_no_fail_point() -> None:
    """`fail_point` is then the function that does nothing."""
    assert fail_point is _off


def test_it_strikes_at_the_nth_passing_of_its_name_and_at_no_other() -> None:
    """Earlier and later passes of the name, and all passes of other names, do nothing."""
    at = arm(parse_fail_points("a:2:raise,b:1:sleep=0"))

    at("a")
    at("b")
    with pytest.raises(FailPointHit):
        at("a")
    at("a")


def test_kill_is_sigkill() -> None:
    """The process ends at once, without clean-up."""
    code = "from store.fail_points import fail_point; fail_point('x'); print('lives'); fail_point('x'); print('no')"
    env = os.environ | {"CREWKIT_FAILPOINT": "x:2:kill"}

    ran = subprocess.run([sys.executable, "-uc", code], env=env, capture_output=True, text=True, check=False)

    assert ran.returncode == -signal.SIGKILL
    assert ran.stdout == "lives\n"


@pytest.mark.parametrize("text", ["a", "a:b:kill", "a:1:explode", "a:1:sleep=x", "a:1:kill:2"])
def test_a_fail_point_that_cannot_be_read_says_what_is_expected(text: str) -> None:
    """Otherwise a test with a misspelt fault would pass without it."""
    with pytest.raises(BadFailPoint, match="name:nth:kill"):
        parse_fail_points(text)
