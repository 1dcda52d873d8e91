"""Which versions of ClickHouse are accepted."""

import pytest

from store.connect import why_too_old


@pytest.mark.parametrize(
    "version", ["26.2.4.10", "26.2.10.1", "26.3.9.1", "26.9.2.1", "27.1", "26.3.1.2 (official build)"]
)
@pytest.mark.parametrize("compatibility", ["", "26.2", "26.3", "26.9.2", "27"])
def test_the_floor_and_newer_versions_will_do(version: str, compatibility: str) -> None:
    """Versions are compared as numbers."""
    assert why_too_old(version, compatibility) == ""


@pytest.mark.parametrize(
    "version", ["26.2.4.9", "26.1.12.4", "25.8.2.29", "26.2.3.999.altinitystable", "9.9.9.9", "head"]
)
def test_an_older_server_is_refused_with_both_versions(version: str) -> None:
    """The message is one sentence that says what to do."""
    why = why_too_old(version, "")

    assert f"ClickHouse {version}, but 26.2.4.10 or newer is needed: upgrade it, preferably to 26.3 LTS" in why


@pytest.mark.parametrize("compatibility", ["26.1", "25.8", "22.3.4"])
def test_a_setting_that_makes_it_older_is_refused_too(compatibility: str) -> None:
    """With that setting the text index would be refused later, with a less helpful message."""
    why = why_too_old("26.9.2.1", compatibility)

    assert f"behave like ClickHouse {compatibility}, but 26.2 or newer" in why
