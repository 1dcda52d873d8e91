"""The number of examples that property tests try; the profile of the run decides.

| profile | runs in | examples |
| --- | --- | --- |
| `few` | `make unit` | a tenth |
| `usual` | `make test` | the number that the test states, else 100 |
| `many` | `make test-all`, with a new seed each day | five times as many |

Examples have no deadline, and drawing one may take long, because machines are busy.
"""

import os

from hypothesis import HealthCheck, settings

USUAL = 100
MANY_TIMEOUT_S = 2_400  # four times the time-out in pyproject.toml
PROFILES = {"few": USUAL // 10, "usual": USUAL, "many": USUAL * 5}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "usual")
ARE_NEW = PROFILE == "many"  # other examples in each run


def load_profile() -> None:
    """Load the profile of this run, before any test is imported."""
    for name, tried in PROFILES.items():
        settings.register_profile(name, deadline=None, max_examples=tried, suppress_health_check=[HealthCheck.too_slow])
    if ARE_NEW:
        settings.register_profile(PROFILE, settings.get_profile(PROFILE), derandomize=False, print_blob=True)
        os.environ.setdefault("PYTEST_TIMEOUT", str(MANY_TIMEOUT_S))
    settings.load_profile(PROFILE)


def examples(usual: int, many: int | None = None) -> int:
    """Return how many examples this run tries if `make test` tries ``usual``."""
    if many is not None and ARE_NEW:
        return many
    return max(1, usual * PROFILES[PROFILE] // USUAL)
