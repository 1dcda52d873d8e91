"""Seeds of tests whose data are drawn at random."""

import pytest


def seeds(few: int, many: int) -> list[object]:
    """Return the seeds 0 to ``many``; those from ``few`` on are left to the part `model`."""
    more = (pytest.param(seed, marks=pytest.mark.part("model")) for seed in range(few, many))
    return [*range(few), *more]
