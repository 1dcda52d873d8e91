"""The table of the tests that run on both kinds of installation names tests that exist."""

from pathlib import Path

import pytest

from tests.contract.kinds import ON_BOTH

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ON_BOTH)
def test_each_name_is_a_test_of_an_installation(name: str) -> None:
    """A test that was renamed would silently run on one kind only."""
    file, _, test = name.partition("::")
    text = (HERE / file).read_text()

    assert f"def {test}(" in text if test else "installation" in text
