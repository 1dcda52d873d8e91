"""All families of attacks in one table, and any of their cases by seed, family and number."""

import random
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from tests.fuzz import costly, hooks, large, otlp, wire
from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.case import Case

Lane = Literal["quick", "wire", "heavy", "costly", "slow"]


class Family(NamedTuple):
    """A family of attacks; ``share`` is how often it is drawn among the families of its lane."""

    name: str
    lane: Lane
    make: Callable[[random.Random, AttackSetup], Case]
    share: int = 2


FAMILIES = (
    Family("hooks", "quick", hooks.hooks, 4),
    Family("otlp", "quick", otlp.otlp, 4),
    Family("dense", "quick", large.dense, 1),
    Family("wire", "wire", wire.wire),
    Family("slow", "slow", wire.slow),
    Family("large", "heavy", large.large, 4),
    Family("hooks-large", "heavy", hooks.hooks_large),
    Family("otlp-large", "heavy", otlp.otlp_large),
    Family("dense-at-once", "costly", costly.twelve_dense),
    Family("dense-megabytes", "costly", costly.dense_megabytes, 1),
    Family("empty-members", "costly", costly.empty_members, 1),
    Family("unfinished", "costly", costly.unfinished_bodies, 1),
    Family("recounts-at-once", "costly", costly.recounts_at_once, 1),
)
BY_NAME = {family.name: family for family in FAMILIES}


def case_of(seed: int, family: str, number: int, setup: AttackSetup) -> Case:
    """Return the case of this number: the same for the same seed."""
    return BY_NAME[family].make(random.Random(f"{seed}/{family}/{number}"), setup)


def chosen(only: Sequence[str], without: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the selected families.

    Raises:
        KeyError: a given name is unknown.
    """
    for name in (*only, *without):
        BY_NAME[name]
    return tuple(name for name in BY_NAME if (not only or name in only) and name not in without)
