"""Fits our limits on a question to the settings profile of our user in the store.

For the current user, `system.settings` lists each setting's value, its bounds in the profile, and whether the user may
change it. Where the profile is tighter than our limits, the profile wins. One setting is needed, since it hides what is
erased: with `readonly = 1`, which allows none, no question is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from store.connect import SNAPSHOT
from store.reading.errors import ReadRefused
from store.reading.guard import CONDITIONS, GUARD

NO_BOUND = 0  # the value of a limit that is switched off
SKIPPING, EXACT = "use_skip_indexes_if_final", "use_skip_indexes_if_final_exact_mode"
OVERFLOW = "_overflow_mode"
PROFILE_SQL = """
SELECT name, value, readonly, min, max
FROM system.settings
WHERE name IN {names:Array(String)} OR endsWith(name, {overflow:String})
"""


class ProfileSetting(NamedTuple):
    """A setting of our user: its value, its bounds, and whether it is read-only (1)."""

    value: str
    readonly: int = 0
    min: str | None = None
    max: str | None = None

    def may_be(self, value: str) -> bool:
        """Return whether the user may set this setting to this number."""
        least, most = (None if bound is None else _number(bound) for bound in (self.min, self.max))
        number = _number(value)
        return not self.readonly and (least is None or least <= number) and (most is None or number <= most)


ProfileSettings = Mapping[str, ProfileSetting]


class Fitted(NamedTuple):
    """The settings to send with each question, and remarks on those that differ from our limits."""

    settings: dict[str, object]
    remarks: list[str]


def fit_limits(limits: Mapping[str, object], profile: ProfileSettings) -> Fitted:
    """Return our limits as far as the profile lets us set them. Raises `ReadRefused` if answers could be wrong."""
    _refuse_inexact(profile)
    _refuse_unguarded(profile)
    fitted = Fitted({GUARD: CONDITIONS, **dict(_never_short(profile))}, [])
    for name, wanted in limits.items():
        known = profile.get(name)
        if known is None:
            fitted.remarks.append(f"{name} is not known to the store")
        elif name == SNAPSHOT:
            if known.may_be("1"):
                fitted.settings[name] = 1
            elif known.value != "1":  # no row is wrong, but a count may be of another moment than its list
                fitted.remarks.append(
                    f"{name} is off and can't be set: a count and its list may be of different moments"
                )
        else:
            _fit_limit(fitted, name, _number(wanted), known)
    return fitted


def untunable(tuning: Iterable[tuple[str, str]], profile: ProfileSettings) -> frozenset[str]:
    """Return which of the settings in the questions' text the profile forbids."""
    return frozenset(name for name, value in tuning if name in profile and not profile[name].may_be(value))


def _fit_limit(fitted: Fitted, name: str, wanted: int | float, known: ProfileSetting) -> None:
    """Add our limit or the profile's, whichever is tighter."""
    own = _number(known.value)
    if known.readonly:
        if not NO_BOUND < own <= wanted:
            fitted.remarks.append(f"{name} is {own or 'without bound'} and can't be set to {wanted}")
        return
    least = _number(known.min)
    fits = max(least, min(bound for bound in (wanted, own, _number(known.max)) if bound != NO_BOUND))
    if fits != wanted:
        fitted.remarks.append(f"{name} is {fits} instead of {wanted}")
    fitted.settings[name] = fits


def _never_short(profile: ProfileSettings) -> Iterator[tuple[str, str]]:
    """Yield the settings that make a question fail at a limit: a partial answer would look complete."""
    for name, known in profile.items():
        if name.endswith(OVERFLOW) and known.value != "throw":
            if known.readonly:
                raise ReadRefused(
                    "the settings profile of the store's user truncates answers without an error "
                    f"({name} = {known.value}) and doesn't allow changing that: set it to 'throw'"
                )
            yield name, "throw"


def _refuse_inexact(profile: ProfileSettings) -> None:
    """Refuse a profile that skips the exact check: the index also finds words of rows that have been replaced."""
    skipping, exact = profile.get(SKIPPING), profile.get(EXACT)
    if skipping is None or exact is None or exact.value == "1" or exact.may_be("1"):
        return
    if skipping.value == "1" or skipping.may_be("1"):
        raise ReadRefused(f"the settings profile of the store's user makes searches inexact ({EXACT} = 0): set it to 1")


def _refuse_unguarded(profile: ProfileSettings) -> None:
    """Refuse a profile with which questions would show what is erased."""
    known = profile.get(GUARD)
    if known is not None and known.readonly:
        raise ReadRefused(
            f"the settings profile of the store's user doesn't allow setting {GUARD}, which hides what is erased: "
            "use `readonly = 2`, or only GRANT SELECT"
        )


def _number(value: object) -> int | float:
    """Return a setting's number (seconds may have a fraction), or 0 if it has none."""
    number = float(str(value or 0))
    return int(number) if number.is_integer() else number
