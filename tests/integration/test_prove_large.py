"""The proof of a large generation in bounded memory."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from msgspec import UNSET

from store.reading import reader as reader_module
from tests.support.rigs.many_facts import fill
from tests.support.rigs.two_generations import LIVE, PROVED, TwoGenerations

pytest_plugins = ["tests.support.rigs.prove_fixtures"]

FACTS = 1_000_000
MEMORY = 400 << 20


@pytest.fixture
def limited(both: TwoGenerations) -> Iterator[TwoGenerations]:
    """Provide two generations whose reader refuses to use more memory for a question."""
    both.empty()
    with patch.object(reader_module, "LIMITS", {**reader_module.LIMITS, "max_memory_usage": MEMORY}):
        both.reader._allowed = None
        yield both
    both.reader._allowed = None
    both.empty()


@pytest.mark.slow
async def test_a_million_facts_are_compared_in_questions_of_little_memory(limited: TwoGenerations) -> None:
    """Every query stays below its limits; one changed byte is found, and nothing else."""
    for generation in (LIVE, PROVED):
        fill(limited, generation, FACTS)

    equal = await limited.prove()
    limited.alter(
        "INSERT INTO {db}.facts SELECT * REPLACE (concat(data, ' ') AS data)"
        " FROM {db}.facts WHERE log_offset = 777 AND log_index = 7"
    )
    proof = await limited.prove()

    assert (equal.equal, equal.moving, equal.compared["facts"]) == (True, {}, FACTS)
    assert equal.compared["tasks"] == FACTS // 2
    assert [one.column for one in proof.differences] == ["data"]
    assert all(one.generation is UNSET for one in proof.differences)
