"""The report of a proof."""

import pytest

from generations.prove.proof import ColumnCount, DayCount, Proof
from generations.prove.tables import ALL
from generations.prove.words import in_words


@pytest.mark.parametrize("table", [*(table.name for table in ALL), "session_states", "rollup_quarters", "rollup_days"])
def test_every_table_has_words_for_its_differences(table: str) -> None:
    """This holds even for a table that is only recounted, so that no number of compared rows is known."""
    count = ColumnCount(table, "facts", 1, 1, "g2")
    found = Proof(False, "g2", "g2", [1], {}, {}, [], [count], [DayCount(table, "acme", None, 1)] * 2, False)

    assert in_words(found)[2].startswith(f"g2: {table}.facts differs from its recount in 1 ")
    assert in_words(found)[3].startswith("Most differences: 1 ")
