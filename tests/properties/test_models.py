"""Model names, for any text."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.models import canonical_model

SUFFIXES = ("[1m]", "[]", "-20251001", "@20251001", "-2025-11-13")
parts = st.sampled_from([*SUFFIXES, "claude", "-opus", "-4", "[", "]", "@", "-2025", "\n", "é"])
names = st.text(max_size=40) | st.lists(parts, max_size=8).map("".join)


@given(names)
def test_a_canonical_name_is_its_own(name: str) -> None:
    """The result is a prefix of the name, empty only for an empty name, and has nothing left to remove."""
    canonical = canonical_model(name)

    assert name.startswith(canonical)
    assert bool(canonical) == bool(name)
    assert canonical_model(canonical) == canonical


@given(names.filter(bool), st.lists(st.sampled_from(SUFFIXES), max_size=4))
def test_suffixes_never_make_another_model(name: str, suffixes: list[str]) -> None:
    """With any suffixes, a name has the same canonical form."""
    assert canonical_model(name + "".join(suffixes)) == canonical_model(name)
