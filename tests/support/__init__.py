"""The building blocks of the tests: rigs, fakes, oracles, clients, corpora."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
