"""Sums of tokens and costs by model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FIELDS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
NANO = 9  # decimal places
Sums = dict[str, dict[str, Any]]  # by model: the fields, and `cost_usd` if it is known


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
