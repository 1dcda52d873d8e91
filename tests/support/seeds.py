"""Seeds of tests whose data are drawn at random."""

import os

import pytest

from tests.support.examples import ARE_NEW

OF_DAY = int(os.environ.get("SEED_OF_DAY", "0"))  # `make test-all` and CI set it: 20261130


def seeds(few: int, many: int) -> list[object]:
    """Return ``few`` seeds that are always the same, and others of the day for the part `model`.

    A change that touches the part tries as many new ones as there are old ones; `make test-all` tries ``many`` in all.
    """
    others = range(1_000 * OF_DAY + few, 1_000 * OF_DAY + (many if ARE_NEW else min(2 * few, many)))
    more = (pytest.param(seed, marks=pytest.mark.part("model")) for seed in others)
    return [*range(few), *more]
