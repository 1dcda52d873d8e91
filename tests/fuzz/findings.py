"""Findings: each with its seed, family and number, and its request in a file, so that it can be sent again."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.case import Case, as_curl
from tests.fuzz.families import case_of
from tests.fuzz.response_checks import Fault

SAVED_MAX = 3  # of one check and one family; the rest is counted


class Finding(NamedTuple):
    """A finding: ``file`` holds the request, ``curl`` sends it; both are empty if no request caused it."""

    check: str
    family: str
    number: int
    what: str
    file: str = ""
    curl: str = ""


class Findings:
    """All findings of a run; the first of each kind are saved in ``folder``."""

    def __init__(self, seed: int, setup: AttackSetup, url: str, folder: Path) -> None:
        self._seed, self._scene, self._url, self._folder = seed, setup, url, folder
        self.all: list[Finding] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, fault: Fault, family: str = "", number: int = -1) -> None:
        """Note a fault, and save its case if it is one of the first of its kind."""
        kind = fault.check, family
        self.counts[kind] += 1
        if self.counts[kind] > SAVED_MAX:
            return
        finding = Finding(fault.check, family, number, fault.what)
        if family:
            case = case_of(self._seed, family, number, self._scene)
            finding = Finding(*finding[:4], *save(case, self._folder / f"{family}-{number}.http", self._url))
        self.all.append(finding)

    def described(self) -> str:
        """Return a text for people: every saved finding, and the count of its kind."""
        lines = []
        for finding in self.all:
            count = self.counts[finding.check, finding.family]
            of = (
                f" (family {finding.family}, case {finding.number}, seed {self._seed}; {count} of it)"
                if finding.family
                else ""
            )
            lines.append(f"{finding.check}: {finding.what}{of}")
            lines += [f"    {line}" for line in (finding.file, finding.curl) if line]
        return "\n".join(lines) or "no findings"


def save(case: Case, file: Path, url: str) -> tuple[str, str]:
    """Write the bytes of a case, and in a second file how to send them; return the file and a curl command, if any."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(case.raw)
    how = {name: value for name, value in case._asdict().items() if name != "raw"}
    file.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(how)))
    curl = as_curl(case, url, str(file.with_suffix(".body")))
    if curl and curl[1]:
        file.with_suffix(".body").write_bytes(curl[1])
    return str(file), curl[0] if curl else ""


def saved_case(file: Path) -> Case:
    """Read a case that `save` wrote; a file of bytes alone is sent in one part."""
    description = file.with_suffix(".json")
    how: dict[str, Any] = msgspec.json.decode(description.read_bytes()) if description.exists() else {"name": file.name}
    return Case(**{**how, "raw": file.read_bytes(), "cuts": tuple(how.get("cuts", ()))})
