"""The search text of a session as its facts arrive."""

from prices.price_list import list_prices
from processors.fold.fold import begin, fold
from processors.fold.fold_hooks import FIRST_PROMPTS
from processors.fold.state import SearchedText, SessionState
from processors.projections.records import facts_of
from processors.projections.sessions import session_row
from schemas.log.codec import decode
from schemas.log.records import AnyRecord
from tests.support.builders import LogBuilder, changed, created, ended, hook, recorded, reported, session_id, usage

SESSION = session_id("s")
PRICES = list_prices()


def texts(*facts: AnyRecord) -> list[str]:
    """Return the search text after each fact, extended from the previous one; it must equal one made from scratch."""
    log = LogBuilder()
    state: SessionState | None = None
    found = []
    for record in log.add(*facts):
        for row in facts_of(record, decode(record, log.partitions)).rows:
            state = state or begin(row)
            fold(state, row)
        assert state is not None
        found.append(session_row(state, PRICES).search_text)
        state.searched, before = SearchedText(), state.searched
        assert session_row(state, PRICES).search_text == found[-1]
        state.searched = before
    return found


def test_all_texts_are_searched() -> None:
    """Names, title, summary and prompts are separate folded texts; a model that is named twice is in it once."""
    names = {"agent_name": "Ägent", "branch": "feat/x", "component": "api", "project_id": "P_1", "repo": "acme/be"}
    found = texts(
        created(SESSION, title="Fix it", model="m-1", **names),
        recorded(SESSION, hook("UserPromptSubmit", prompt="Do this"), hook("Stop", prompt="not this")),
        reported(SESSION, usage("m-1"), usage("m-2")),
        ended(SESSION, summary="All\ndone."),
    )

    assert found[-1] == " all done  fix it  acme be  agent  feat x  api  p 1  m 1  m 2  do this "


def test_what_changes_is_searched_as_it_is_now() -> None:
    """A new title replaces the old one, a cleared title disappears, and prompts stay."""
    found = texts(
        created(SESSION, title="one"),
        recorded(SESSION, hook("UserPromptSubmit", prompt="p1")),
        changed(SESSION, title="two"),
        recorded(SESSION, hook("UserPromptSubmit", prompt="p2")),
        changed(SESSION, title=None),
    )

    assert found == [" one ", " one  p1 ", " two  p1 ", " two  p1  p2 ", " p1  p2 "]


def test_only_the_first_prompts_are_searched() -> None:
    """The first 50 prompts are searched, 200 characters of each."""
    prompts = [hook("UserPromptSubmit", prompt=f"{'x' * 190} p{number} and more") for number in range(60)]

    (found,) = texts(recorded(SESSION, *prompts))

    assert [word for word in found.split() if word.startswith("p")] == [f"p{n}" for n in range(FIRST_PROMPTS)]
    assert "more" not in found


def test_a_sensitive_session_has_no_search_text() -> None:
    """Its id marks it as sensitive, whatever its facts are."""
    session = session_id("s", sensitive=True)

    assert texts(created(session, repo="acme/be"), ended(session, summary="a summary all the same")) == ["", ""]
