"""The table of tests that run on both kinds of installation names existing tests."""

from pathlib import Path

import pytest

from tests.contract.kinds import ON_BOTH

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ON_BOTH)
def test_each_name_is_a_test_of_an_installation(name: str) -> None:
    """A renamed test would silently run on one kind only."""
    file, _, test = name.partition("::")
    text = (HERE / file).read_text()

    assert f"def {test}(" in text if test else "installation" in text
