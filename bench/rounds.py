"""Measures several things in turns: other load on the machine then meets all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.harness import Figure, Report, compared, of_rounds

ROUNDS = 3


class Turn(NamedTuple):
    """What one turn measured: events a second, and the processor time that the service took for an event, in µs."""

    rate: float
    cpu_us: float


Turns = Mapping[str, Sequence[Turn]]


def in_turns(sides: Mapping[str, Callable[[], Turn]], report: Report, rounds: int = ROUNDS) -> Turns:
    """Measure each side once a round. Every other round goes in the opposite order."""
    turns: dict[str, list[Turn]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed([*sides]):
            report(f"round {number + 1} of {rounds}: {side}")
            turns[side].append(sides[side]())
    return turns


def figures_of(name: str, turns: Sequence[Turn], mark: float | None = None) -> list[Figure]:
    """Return throughput, with its mark, and processor time of one side."""
    return [
        of_rounds(f"{name} events/s", [turn.rate for turn in turns], "events/s", mark),
        of_rounds(f"{name} processor time", [turn.cpu_us for turn in turns], "µs/event"),
    ]


def compare(name: str, ours: Sequence[Turn], baseline: Sequence[Turn], of: str, wanted: float) -> list[Figure]:
    """Return how many times better than a baseline ours is, round by round: by throughput, and by processor time.

    A busy machine moves the second one less.
    """
    rounds = list(zip(ours, baseline, strict=True))
    by_cost = [other.cpu_us / mine.cpu_us for mine, other in rounds]
    return [
        compared(name, [mine.rate / other.rate for mine, other in rounds], of, wanted),
        of_rounds(f"{name} by processor time", by_cost, "times"),
    ]
