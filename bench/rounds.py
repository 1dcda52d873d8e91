"""Measure several things in turns, so that other load on the machine affects all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from bench.figures import Figure, compared, figure
from bench.harness import Report

ROUNDS = 3
T = TypeVar("T")


class Turn(NamedTuple):
    """What one turn measured: events per second, and the processor time of the service for an event, in µs."""

    rate: float
    cpu_us: float


def in_turns(sides: Mapping[str, Callable[[], T]], report: Report, rounds: int = ROUNDS) -> Mapping[str, list[T]]:
    """Measure each side once a round; every other round runs in the opposite order."""
    turns: dict[str, list[T]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed([*sides]):
            report(f"round {number + 1} of {rounds}: {side}")
            turns[side].append(sides[side]())
    return turns


def figures_of(name: str, turns: Sequence[Turn], mark: float | None = None) -> list[Figure]:
    """Return throughput, with its mark, and processor time of one side."""
    return [
        figure(f"{name} events/s", [turn.rate for turn in turns], "events/s", at_least=mark),
        figure(f"{name} processor time", [turn.cpu_us for turn in turns], "µs/event"),
    ]


def figures_of_sides(name: str, turns: Mapping[str, Sequence[Turn]]) -> list[Figure]:
    """Return throughput and processor time of each side."""
    return [one for side, found in turns.items() for one in figures_of(f"{name} {side}", found)]


def compare(name: str, ours: Sequence[Turn], baseline: Sequence[Turn], of: str, wanted: float) -> list[Figure]:
    """Return how many times better than a baseline ours is, by throughput and by processor time.

    Each ratio is taken within a round. On a busy machine, processor time varies less.
    """
    rounds = list(zip(ours, baseline, strict=True))
    by_cost = [other.cpu_us / mine.cpu_us for mine, other in rounds]
    return [
        compared(name, [mine.rate / other.rate for mine, other in rounds], of, wanted),
        figure(f"{name} by processor time", by_cost, "times"),
    ]
