"""What the readers of agents' session files share: they follow a file while an agent writes it, and sum usage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from itertools import groupby
from typing import Any, NamedTuple

from crewkit_hook.transcripts.lines import ODD, Folders, instant, new_lines, parsed

FIELDS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
NANO = 9  # decimal places
QUARTER_MS = 900_000  # the installation keeps what was used by quarters of an hour, which suffice for every time zone
Sums = dict[str, dict[str, Any]]  # by model: the fields, and `cost_usd` if it is known
Take = Callable[[dict[str, Any]], None]


class Totals(NamedTuple):
    """What a session has used so far. ``is_partial``: something may be missing, so the totals are a lower bound."""

    models: Sums
    is_partial: bool
    work: dict[str, int] | None = None  # as in the batch format


class Used(NamedTuple):
    """What one message used, and when (ms since 1970; 0: unknown)."""

    at_ms: int
    model: str
    counts: Mapping[str, Any]


class Reading:
    """How far the files of a session were read, and what they said. ``kept`` is stored as JSON in between."""

    def __init__(
        self,
        session_id: str,
        kept: dict[str, Any] | None = None,
        folders: Folders | None = None,
        others: Set[str] = frozenset(),
    ) -> None:
        """``others`` are the ids of other sessions' lines, of which this session's files may have copies."""
        self._session_id, self._folders, self._others = session_id, folders, others
        self.used: dict[Any, Used] = {}  # what this reading has seen, by message; it is not stored
        self.kept: dict[str, Any] = {**self._nothing_read(), **(kept or {})}

    def _nothing_read(self) -> dict[str, Any]:
        """Return ``kept`` before the first call."""
        raise NotImplementedError

    def advance(self, path: str) -> None:
        """Read what is new. ``path`` is the file that the agent names; related files are found from it."""
        raise NotImplementedError

    def killed(self) -> None:
        """Note that the agent is gone without an end, so its last lines are missing."""

    def totals(self) -> Totals:
        """Return the totals read so far."""
        raise NotImplementedError

    def about(self) -> dict[str, Any]:
        """Return what the files say about the session itself, as the context of a hook."""
        return {}


def follow(path: str, offsets: dict[str, Any], key: str, is_wanted: Callable[[bytes], bool], take: Take) -> None:
    """Take the wanted lines after the offset ``offsets[key]``, and move it; ignore lines that can't be understood."""
    for offset, raw in new_lines(path, offsets.get(key, 0)):
        offsets[key] = offset
        if is_wanted(raw):
            with suppress(*ODD):
                take(parsed(raw))


def report(session_id: str, at_ms: int, totals: Totals, *, has_telemetry: bool = False) -> dict[str, Any] | None:
    """Return running totals; None if there are none. With telemetry, which says more about it, `work` is left out."""
    if not totals.models:
        return None
    found = {
        "session_id": session_id,
        "at": instant(at_ms),
        "model_metrics": {"models": report_of(totals.models)},
        "incomplete": totals.is_partial,
    }
    return found if totals.work is None or has_telemetry else {**found, "work": totals.work}


def past_reports(session_id: str, reading: Reading, ended_ms: int) -> list[dict[str, Any]]:
    """Return the running totals of a past session, one report for each quarter of an hour in which it used something.

    Each has the time of the last message in it. The last report has the session's own totals, and so also what they
    have beyond its messages. Without the time of any message, it has the time of the session's end.
    """
    found, sums = [], Sums()
    used = sorted((one for one in reading.used.values() if one.at_ms), key=lambda one: one.at_ms)
    for _, messages in groupby(used, lambda one: one.at_ms // QUARTER_MS):
        last_ms = 0
        for one in messages:
            add(sums, one.model, one.counts)
            last_ms = one.at_ms
        found.append(report(session_id, last_ms, Totals(sums, is_partial=True)))
    final = report(session_id, used[-1].at_ms if used else ended_ms, reading.totals())
    return [each for each in (*found[:-1], final) if each is not None]


def add(sums: Sums, model: str, used: Mapping[str, Any], sign: int = 1) -> None:
    """Add the usage of a model. ``sign`` -1 subtracts, but not below 0."""
    total = sums.setdefault(model, {})
    for field in FIELDS:
        total[field] = max(0, total.get(field, 0) + sign * (used.get(field) or 0))
    if used.get("cost_usd") is not None:
        total["cost_usd"] = max(0.0, round(total.get("cost_usd", 0.0) + sign * used["cost_usd"], NANO))
    elif sign > 0:
        total["unpriced"] = True


def total_of(parts: Iterable[Mapping[str, Mapping[str, Any]]]) -> Sums:
    """Return the sum of several sums."""
    sums: Sums = {}
    for part in parts:
        for model, used in part.items():
            add(sums, model, used)
    return sums


def difference(of: Sums, minus: Sums) -> Sums:
    """Return the usage beyond ``minus``."""
    sums = total_of([of])
    for model, used in minus.items():
        add(sums, model, used, -1)
    return {model: used for model, used in sums.items() if any(used.get(field) for field in (*FIELDS, "cost_usd"))}


def report_of(sums: Sums) -> list[dict[str, Any]]:
    """Return the models of a report. A cost that covers only a part is left out: the installation has a price list."""
    return [
        {"model": model, **{name: value for name, value in used.items() if name in FIELDS}}
        | ({} if used.get("unpriced") or "cost_usd" not in used else {"cost_usd": used["cost_usd"]})
        for model, used in sorted(sums.items())
    ]
