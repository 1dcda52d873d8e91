"""`bench/dashboard.py` on a machine without a browser."""

import pytest

from bench import dashboard


@pytest.mark.parametrize("question", dashboard.QUESTIONS, ids=lambda question: question.name)
def test_without_chromium_a_question_is_skipped(
    monkeypatch: pytest.MonkeyPatch, question: dashboard.BenchQuestion
) -> None:
    """Its single row says what to install; nothing is filled or started."""
    monkeypatch.setattr(dashboard, "find_chromium", lambda: None)

    (row,) = question.measure(lambda text: pytest.fail(text))

    assert (row.unit, "install" in row.name) == ("skipped", True)
