"""The numbers that a measurement returns, each with its mark if it has one."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct, structs


class Figure(Struct, frozen=True):
    """One number; of several rounds, ``value`` is the median.

    ``ratio`` is value / mark, and ``against`` names the mark; both are None without a mark. In a comparison ``value``
    and ``ratio`` say how many times better than the baseline ours is, and ``wanted`` is the least that it should be.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str | None = None
    good: bool | None = None  # whether the mark is met
    minimum: float | None = None
    median: float | None = None
    maximum: float | None = None
    rounds: int = 1
    wanted: float | None = None


def figure(
    name: str,
    measured: float | Sequence[float],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Return a figure of one value, or of the values of several rounds, checked against a mark if there is one."""
    if isinstance(measured, Sequence):
        low, middle, high = (round(value, 3) for value in (min(measured), median(measured), max(measured)))
        found = Figure(name, middle, unit, minimum=low, median=middle, maximum=high, rounds=len(measured))
    else:
        found = Figure(name, round(measured, 3), unit)
    mark = at_most if at_least is None else at_least
    if mark is None:
        return found
    good = found.value <= mark if at_least is None else found.value >= mark
    return structs.replace(found, ratio=round(found.value / mark, 3), against=f"mark {mark:g}", good=good)


def compared(name: str, ratios: Sequence[float], baseline: str, wanted: float) -> Figure:
    """Return how many times better than a baseline ours is, given the ratio of each round."""
    found = figure(name, ratios, "times", at_least=wanted)
    return structs.replace(found, ratio=found.value, against=f"{baseline}, wanted {wanted:g}", wanted=wanted)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
