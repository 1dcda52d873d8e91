"""Responses to the probe client that took too long, and the cases that ran meanwhile."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tests.fuzz.attackers import Long
from tests.fuzz.families import BY_NAME, Lane
from tests.fuzz.probe_client import Answer
from tests.fuzz.response_checks import Fault

SHOWN = 5  # the slowest
SUSPECTS = 6
_BLAME: tuple[Lane, ...] = ("costly", "heavy", "slow", "quick", "wire")


class Slow(NamedTuple):
    """A slow response as a fault, and the family and number of the case to blame, if any."""

    fault: Fault
    family: str = ""
    number: int = -1


def slow_ones(answers: Sequence[Answer], limit_s: float, cases: Sequence[Long]) -> Iterator[Slow]:
    """Yield the slowest responses that took more than ``limit_s``, or that never arrived."""
    slow = [answer for answer in answers if answer.took_s > limit_s or answer.status == 0]
    for answer in sorted(slow, key=lambda answer: -answer.took_s)[:SHOWN]:
        meanwhile = _concurrent_cases(answer, cases)
        suspects = ", ".join(map(_named, meanwhile[:SUSPECTS])) or "nothing long"
        what = f"{answer.what} took {answer.took_s:.2f} s, status {answer.status}; under way: {suspects}"
        fault = Fault("slow", f"{what} ({len(slow)} answers like it)")
        yield Slow(fault, meanwhile[0].family, meanwhile[0].number) if meanwhile else Slow(fault)


def _named(case: Long) -> str:
    return f"{case.family}/{case.number} ({case.name}, {case.ended - case.began:.1f} s)"


def _concurrent_cases(answer: Answer, cases: Sequence[Long]) -> list[Long]:
    """Return the costly ones first, then the longest."""
    ended = answer.began + answer.took_s
    meanwhile = [case for case in cases if case.began < ended and case.ended > answer.began]
    return sorted(meanwhile, key=lambda case: (_BLAME.index(BY_NAME[case.family].lane), case.began - case.ended))


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """Summarise how many seconds the responses took."""
    took = sorted(answer.took_s for answer in answers) or [0.0]
    return {
        "answers": len(answers),
        "median_s": round(took[len(took) // 2], 4),
        "p99_s": round(took[len(took) * 99 // 100], 3),
        "slowest_s": round(took[-1], 3),
        "retried": sum(1 for answer in answers if answer.status == 503),
    }
