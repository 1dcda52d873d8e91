"""Findings: each with its seed, family and number, from which its request can be made again."""

from collections import Counter
from typing import NamedTuple

from tests.fuzz.response_checks import Fault

SHOWN_MAX = 3  # of one check and one family; the rest is counted


class Finding(NamedTuple):
    """A finding, and the case that caused it, if any."""

    check: str
    family: str
    number: int
    what: str


class Findings:
    """All findings of a run; the first of each kind are shown."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.all: list[Finding] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, fault: Fault, family: str = "", number: int = -1) -> None:
        """Note a fault."""
        self.counts[fault.check, family] += 1
        if self.counts[fault.check, family] <= SHOWN_MAX:
            self.all.append(Finding(fault.check, family, number, fault.what))

    def described(self) -> str:
        """Return a text for people: every shown finding, how often it occurred, and how to send its request again."""
        return "\n".join(map(self._described, self.all)) or "no findings"

    def _described(self, finding: Finding) -> str:
        line = f"{finding.check}: {finding.what}"
        if not finding.family:
            return line
        again = f"make fuzz SEED={self._seed} ARGS='--replay {finding.family}/{finding.number}'"
        return f"{line} ({self.counts[finding.check, finding.family]} of it)\n    {again}"
