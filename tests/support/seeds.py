"""Seeds of tests whose data are drawn at random."""

import os

import pytest

OF_DAY = int(os.environ.get("SEED_OF_DAY", "0"))  # `make test-all` and CI set it: 20261130


def seeds(few: int, many: int) -> list[object]:
    """Return ``few`` seeds that are always the same, and others of the day, up to ``many``, for the part `model`."""
    others = range(1_000 * OF_DAY + few, 1_000 * OF_DAY + many)
    more = (pytest.param(seed, marks=pytest.mark.part("model")) for seed in others)
    return [*range(few), *more]
