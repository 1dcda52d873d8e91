"""A statement loses only the conditions that do not filter, and the others only their checks for absence."""

from hypothesis import given
from hypothesis import strategies as st

from store.reading.statements import (
    TUNING,
    names_of_absent,
    settings_of,
    statement,
    statement_untuned,
    statement_without,
)
from tests.support.questions import sql_files

FILTERS = ("own_user_id", "agent_name", "repo", "ended", "started_after", "phrases")


def test_a_condition_goes_with_its_parameter_and_the_others_stay() -> None:
    """Conditions may have one line or two, and parentheses inside or none."""
    assert "agent_name" in statement("query_api.sessions.list")
    shortened = statement_without("query_api.sessions.list", frozenset({*FILTERS, "spent_after"}))

    assert [name for name in FILTERS if f"{{{name}:" in shortened] == []
    assert "AND (hasAllTokens(search_text, {words:Array(String)}))\nORDER BY" in shortened
    assert "AND (user_id = {user_id:Nullable(String)})\n" in shortened


def test_a_condition_inside_another_one_goes_too() -> None:
    """The outer one stays with what is left in it."""
    shortened = statement_without("query_api.sessions.list", frozenset({"model"}))

    assert "{spent_before:" in shortened
    assert "{model:" not in shortened
    assert shortened.count("(") == shortened.count(")")


@given(st.sets(st.sampled_from(FILTERS)))
def test_what_is_asked_for_stays(asked: set[str]) -> None:
    """Each condition that is needed stays word for word after its check for absence, and the parentheses match."""
    shortened = statement_without("query_api.sessions.list", frozenset(FILTERS) - asked)

    for name in FILTERS:
        in_condition = statement("query_api.sessions.list").count(f"{{{name}:") - 1
        assert shortened.count(f"{{{name}:") == (in_condition if name in asked else 0)
    assert shortened.count("(") == shortened.count(")")


def test_null_and_empty_ask_for_nothing_but_false_zero_and_empty_text_do() -> None:
    """`?ended=false` is a filter, and so is an agent without a name."""
    assert names_of_absent({"a": None, "b": [], "c": False, "d": 0, "e": "", "f": ["x"]}) == {"a", "b"}


def test_every_setting_of_a_question_can_be_left_out() -> None:
    """All settings of a file can be removed, or one; the text before them is unchanged."""
    for name in sql_files():
        sql = statement(name)
        bare = statement_untuned(sql, frozenset(name for name, _ in TUNING))

        assert "SETTINGS" not in bare, name
        assert sql.startswith(bare)


def test_the_settings_that_a_reader_checks_are_those_of_the_files() -> None:
    """Names and values agree, so a profile that forbids one is noticed before the first question."""
    assert {setting for name in sql_files() for setting in settings_of(statement(name))} == TUNING


def test_the_other_settings_of_a_question_stay() -> None:
    """They stay unchanged, on one line."""
    left = statement_untuned(statement("query_api.sessions.by_id"), frozenset({"max_threads"}))

    _, _, settings = left.partition("\nSETTINGS ")
    assert settings == "merge_tree_min_rows_for_concurrent_read = 1, merge_tree_min_bytes_for_concurrent_read = 1"
