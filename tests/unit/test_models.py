"""Model names: which spellings are the same model."""

import pytest

from schemas.models import canonical_model


@pytest.mark.parametrize(
    ("spelling", "model"),
    [
        ("claude-opus-4-8[1m]", "claude-opus-4-8"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5"),
        ("gpt-5.1-2025-11-13", "gpt-5.1"),
        ("us.anthropic.claude-opus-4-5-20251101[1m]", "us.anthropic.claude-opus-4-5"),
        ("m[1m][beta]-20251001", "m"),
    ],
)
def test_a_model_has_one_name(spelling: str, model: str) -> None:
    """The suffix for the context window and the date of a snapshot do not count."""
    assert canonical_model(spelling) == model


@pytest.mark.parametrize(
    "name",
    [
        *("claude-opus-4-8", "claude-opus-4-8-fast", "gpt-5.1-codex-max", "gemini-3-pro-preview", "<synthetic>", ""),
        *("o3", "gpt-4-0613", "gemini-2.5-pro-preview-05-06", "model-20259901", "model-2025-13-01", "model20251001"),
        *("claude-sonnet-4-5-20250929-v1:0", "a[1m]b", "a]", "a[", "[1m]", "-20251001", "x" * 600 + "[1m]"),
    ],
)
def test_other_names_stay(name: str) -> None:
    """A number that isn't a date, a suffix in the middle, and a name that is only a suffix belong to the name."""
    assert canonical_model(name) == name
