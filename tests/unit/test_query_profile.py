"""Our limits on a query, adapted to what the profile of the store's user allows."""

from typing import Any

import pytest

from store.reading.errors import ReadRefused
from store.reading.guard import CONDITIONS, GUARD
from store.reading.profile import EXACT, SKIPPING, SNAPSHOT, ProfileSetting, fit_limits, untunable
from store.reading.reader import LIMITS

FREE = {name: ProfileSetting("0") for name in LIMITS} | {SNAPSHOT: ProfileSetting("1")}


def profile(**changes: ProfileSetting) -> dict[str, ProfileSetting]:
    return FREE | changes


def test_a_user_without_a_profile_of_its_own_gets_our_limits() -> None:
    """Nothing is logged."""
    assert fit_limits(LIMITS, FREE) == ({GUARD: CONDITIONS, **LIMITS}, [])


def test_a_user_who_could_see_what_is_erased_is_refused() -> None:
    """The condition that hides it is a setting of each question."""
    fit_limits(LIMITS, profile(**{GUARD: ProfileSetting("{}")}))

    with pytest.raises(ReadRefused, match="hides what is erased: use `readonly = 2`, or only GRANT SELECT"):
        fit_limits(LIMITS, profile(**{GUARD: ProfileSetting("{}", readonly=1)}))


@pytest.mark.parametrize(
    ("setting", "sent", "remark"),
    [
        (ProfileSetting("0", max="5"), 5, "max_execution_time is 5 instead of 10"),
        (ProfileSetting("10", max="30"), 10, None),
        (ProfileSetting("0.5"), 0.5, "max_execution_time is 0.5 instead of 10"),
        (ProfileSetting("60"), 10, None),
        (ProfileSetting("0", min="20"), 20, "max_execution_time is 20 instead of 10"),
        (ProfileSetting("10", readonly=1), None, None),
        (ProfileSetting("4", readonly=1), None, None),
        (ProfileSetting("60", readonly=1), None, "max_execution_time is 60 and can't be set to 10"),
        (ProfileSetting("0", readonly=1), None, "max_execution_time is without bound and can't be set to 10"),
    ],
)
def test_the_tighter_of_both_is_sent_and_said(setting: ProfileSetting, sent: Any, remark: str | None) -> None:
    """A setting that may not be changed is never sent; the profile's value applies."""
    fitted = fit_limits(LIMITS, profile(max_execution_time=setting))

    assert fitted.settings.get("max_execution_time") == sent
    assert fitted.remarks == ([remark] if remark else [])


def test_numbers_stay_whole() -> None:
    """The store does not accept `1000000000.0` as a number of bytes."""
    fitted = fit_limits(LIMITS, profile(max_memory_usage=ProfileSetting("0", max="1000000000")))

    assert str(fitted.settings["max_memory_usage"]) == "1000000000"


@pytest.mark.parametrize(
    ("setting", "sent", "remarks"),
    [
        (ProfileSetting("1"), 1, 0),
        (ProfileSetting("0"), 1, 0),
        (ProfileSetting("1", readonly=1), None, 0),
        (ProfileSetting("0", readonly=1), None, 1),
        (ProfileSetting("0", max="0"), None, 1),
    ],
)
def test_one_state_of_a_table_is_asked_for_where_that_is_possible(
    setting: ProfileSetting, sent: int | None, remarks: int
) -> None:
    """Otherwise the log says what that means; each row is still correct."""
    fitted = fit_limits(LIMITS, profile(**{SNAPSHOT: setting}))

    assert fitted.settings.get(SNAPSHOT) == sent
    assert len(fitted.remarks) == remarks


def test_an_answer_is_never_cut_short_in_silence() -> None:
    """A mode other than `throw` is overridden; if that is not possible, the reader refuses."""
    cut = profile(timeout_overflow_mode=ProfileSetting("break"), result_overflow_mode=ProfileSetting("throw"))
    assert fit_limits(LIMITS, cut).settings == {GUARD: CONDITIONS, **LIMITS, "timeout_overflow_mode": "throw"}

    with pytest.raises(ReadRefused, match=r"timeout_overflow_mode = break.* set it to 'throw'"):
        fit_limits(LIMITS, profile(timeout_overflow_mode=ProfileSetting("break", readonly=1)))


def test_a_setting_that_the_store_does_not_know_is_left_out() -> None:
    """An older server does not know it."""
    fitted = fit_limits(LIMITS, {name: known for name, known in FREE.items() if name != SNAPSHOT})

    assert SNAPSHOT not in fitted.settings
    assert fitted.remarks == [f"{SNAPSHOT} is not known to the store"]


def test_an_index_that_finds_too_much_is_refused() -> None:
    """For rows that were replaced since, the index by itself would return outdated results."""
    off = {EXACT: ProfileSetting("0", readonly=1)}

    assert fit_limits(LIMITS, profile(**off, **{SKIPPING: ProfileSetting("0", readonly=1)})).remarks == []
    assert fit_limits(LIMITS, profile(**{EXACT: ProfileSetting("0"), SKIPPING: ProfileSetting("1")})).remarks == []
    for skipping in (ProfileSetting("1", readonly=1), ProfileSetting("0")):
        with pytest.raises(ReadRefused, match=f"{EXACT} = 0.*set it to 1"):
            fit_limits(LIMITS, profile(**off, **{SKIPPING: skipping}))


def test_what_a_question_may_not_set_itself_is_left_out_of_its_text() -> None:
    """Settings that are fixed or beyond a bound are removed by name. Settings that the profile does not limit stay."""
    asked = {("max_threads", "2"), ("optimize_aggregation_in_order", "1"), ("merge_tree_min_read_task_size", "1")}
    known = {"max_threads": ProfileSetting("4", max="1"), "optimize_aggregation_in_order": ProfileSetting("0")}

    assert untunable(asked, known) == {"max_threads"}
    assert untunable(asked, {name: ProfileSetting("0", readonly=1) for name, _ in asked}) == {n for n, _ in asked}
