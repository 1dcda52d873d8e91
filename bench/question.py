"""Questions, the rounds that answer them, and the figures that they return, each with its mark if it has one."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple, TypeVar

from msgspec import Struct, structs

ROUNDS = 3
FAILED = "failed"  # the unit of a question that raised an exception
Report = Callable[[str], None]  # shows what a measurement is doing
T = TypeVar("T")


class Figure(Struct, frozen=True):
    """One number. After several rounds, ``value`` is the median.

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


class BenchQuestion(Struct, frozen=True):
    """Something to measure. A question that takes long has ``only_by_name``: it runs only when it is named."""

    name: str
    description: str
    measure: Callable[[Report], list[Figure]]
    only_by_name: bool = False


class Turn(NamedTuple):
    """What one turn measured: events per second, and the processor time of the service for an event, in µs.

    Not in it are the processor seconds of the start and of counting what was stored.
    """

    rate: float
    cpu_us: float
    start_s: float = 0.0
    count_s: float = 0.0


def figure(
    name: str,
    measured: float | Sequence[float],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Return a figure of one value, or of the values of several rounds, checked against a mark if there is one."""
    values = measured if isinstance(measured, Sequence) else [measured]
    low, middle, high = (round(value, 3) for value in (min(values), median(values), max(values)))
    found = Figure(name, middle, unit, minimum=low, median=middle, maximum=high, rounds=len(values))
    mark = at_most if at_least is None else at_least
    if mark is None:
        return found
    good = found.value <= mark if at_least is None else found.value >= mark
    return structs.replace(found, ratio=round(found.value / mark, 3), against=f"mark {mark:g}", good=good)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def in_turns(sides: Mapping[str, Callable[[], T]], report: Report, rounds: int = ROUNDS) -> Mapping[str, list[T]]:
    """Measure each side once a round, so that other load on the machine affects all; every other round is reversed."""
    turns: dict[str, list[T]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed([*sides]):
            report(f"round {number + 1} of {rounds}: {side}")
            turns[side].append(sides[side]())
    return turns


def figures_of(name: str, turns: Sequence[Turn], mark: float | None = None) -> list[Figure]:
    """Return processor time and throughput of one side, the latter with its mark; then those of start and count."""
    beside = {
        "processor time of the start": [turn.start_s for turn in turns],
        "processor time of the count": [turn.count_s for turn in turns],
    }
    return [
        figure(f"{name} processor time", [turn.cpu_us for turn in turns], "µs/event"),
        figure(f"{name} events/s", [turn.rate for turn in turns], "events/s", at_least=mark),
        *(figure(f"{name} {what}", seconds, "s") for what, seconds in beside.items() if any(seconds)),
    ]


class Wanted(NamedTuple):
    """How many times better than a baseline ours should be; None: no target."""

    cpu: float | None = None
    rate: float | None = None


def compare(name: str, ours: Sequence[Turn], baseline: Sequence[Turn], of: str, wanted: Wanted) -> list[Figure]:
    """Return how many times better than a baseline ours is, by processor time and by throughput.

    Each ratio is taken within a round. Processor time leads: on a quiet machine, throughput flatters the side that does
    more, since its threads share two cores; on a busy machine it falls to the ratio of processor times.
    """
    rounds = list(zip(ours, baseline, strict=True))
    by_cpu = [other.cpu_us / mine.cpu_us for mine, other in rounds]
    by_rate = [mine.rate / other.rate for mine, other in rounds]
    return [_ratio(f"{name} by processor time", by_cpu, of, wanted.cpu), _ratio(name, by_rate, of, wanted.rate)]


def _ratio(name: str, rounds: Sequence[float], of: str, wanted: float | None) -> Figure:
    found = figure(name, rounds, "times", at_least=wanted)
    if wanted is None:
        return found
    return structs.replace(found, ratio=found.value, against=f"{of}, wanted {wanted:g}", wanted=wanted)
