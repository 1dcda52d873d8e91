"""What the tests are built from: rigs, fakes, oracles, clients, corpora."""

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
