"""The digest: what it contains, what it omits first, and what it never contains."""

from collections.abc import Iterable
from uuid import uuid4

import pytest

from processors.derivations.digest.digest import digest
from processors.derivations.digest.state import PROMPTS_FIRST, PROMPTS_LAST, DigestState
from processors.derivations.session_facts import SessionFact
from tests.support import builders
from tests.support.session_facts import hook, lifecycle, used


def digest_of(
    facts: Iterable[SessionFact], instructions: str | None = None, limit: int | None = None, **more: bool
) -> str:
    state = DigestState()
    for fact in facts:
        state.take(fact)
    return digest(state, instructions, limit, **{"sensitive": False, **more})


def section(text: str, title: str) -> list[str]:
    """Return the lines below a title."""
    _, _, rest = text.partition(f"\n## {title}\n")
    return rest.partition("\n\n## ")[0].splitlines()


SESSION = builders.session_id("digest")
LIFE = [
    lifecycle(builders.created(SESSION, repo="acme/backend", branch="main", agent_name="fixer", model="opus")),
    lifecycle(builders.changed(SESSION, title="Refunds", branch=None)),
    hook("UserPromptSubmit", "Fix the refunds.\nAnd test it.", cwd="/w/backend", s=0),
    *used("Read", "/w/backend/totals.py"),
    *used("Edit", "/w/backend/refund.py"),
    *used("Edit", "/w/backend/refund.py", id_="e2"),
    *used("Write", "/etc/other.py", "PermissionDenied"),
    *used("Bash", "pytest -q", "PostToolUseFailure", id_="b1", detail="2 failed"),
    *used("Bash", "pytest -q", id_="b2"),
    *used("Bash", "make", "PostToolUseFailure", detail="no rule"),
    *used("Bash", "ls"),
    hook("TaskCreated", task_id="1", label="Reproduce"),
    hook("TaskCreated", task_id="2", label="Fix the rounding"),
    hook("TaskCompleted", task_id="1"),
    hook("SubagentStop", "All callers are fine.", agent_id="a1", agent_type="Explore"),
    hook("PostCompact", "We had looked at totals."),
    hook("Stop", "Done with the rounding.", s=3900),
    hook("UserPromptSubmit", "loop", detail="loop_wakeup"),
]


def test_a_digest_holds_what_a_new_session_needs() -> None:
    """It lists goal, answer, open tasks, failures with their state, files by what was done to them, and commands."""
    assert (
        digest_of(LIFE)
        == """\
# Session so far: Refunds
acme/backend · agent fixer · model opus · folder /w/backend
2026-01-20 10:00 to 11:05 UTC · 24 events, 1 prompt, 8 tool calls, 2 failed

## Asked for
1. Fix the refunds.
   And test it.

## Last answer
> Done with the rounding.

## Open tasks
- 2: Fix the rounding

## Failures
- `make` failed: no rule
- `pytest -q` failed 1 of 2 (worked since): 2 failed

## Files changed
- refund.py (×2)

## What subagents reported
- Explore: All callers are fine.

## Summary of what came before
> We had looked at totals.

## Commands
- `ls`

## Files read
- totals.py"""
    )


def test_of_a_sensitive_session_there_are_numbers_only() -> None:
    """The digest of a sensitive session has no content, for any facts and any instructions."""
    text = digest_of(LIFE, "Fix the refunds", sensitive=True)

    assert text.splitlines()[1:] == [
        "2026-01-20 10:00 to 11:05 UTC · 24 events, 1 prompt, 8 tool calls, 2 failed",
        "",
        "This session is sensitive: nothing of its content is kept.",
    ]


@pytest.mark.parametrize("limit", [0, 1, 5, 200, 300, 400, 500, 650, 10_000, -3])
def test_a_digest_is_never_longer_than_asked_for(limit: int) -> None:
    """Sections are dropped from the end: the goal is kept longest, then the answer, then the open tasks."""
    text = digest_of([*LIFE, hook("UserPromptSubmit", "x" * 50_000)], None, limit)

    assert len(text) <= max(limit, 0)
    shown = [title for title in ("Asked for", "Last answer", "Open tasks", "Commands", "Files read") if title in text]
    assert shown == ["Asked for", "Last answer", "Open tasks", "Commands", "Files read"][: len(shown)]
    assert limit < 300 or "Fix the refunds" in text


def test_by_default_a_digest_has_8000_characters_at_most() -> None:
    """A limit in a record is capped at 100,000."""
    many = [hook("UserPromptSubmit", f"{n} " + "word " * 400) for n in range(100)]
    many += [fact for n in range(2000) for fact in used("Edit", f"/f/{n:04}" + "x" * 150)]

    assert 7_000 < len(digest_of(many)) <= 8_000
    assert 30_000 < len(digest_of(many, None, 1 << 60)) <= 100_000


def test_what_is_left_out_is_counted() -> None:
    """The latest files are listed, and the number of omitted files is shown."""
    text = digest_of([fact for n in range(100) for fact in used("Edit", f"/f/{n}")], None, 300)

    lines = section(text, "Files changed")
    assert lines[0] == "- /f/99"
    assert lines[-1] == f"(… and {100 - len(lines) + 1} more)"


def test_words_of_the_instructions_go_first() -> None:
    """Lines that contain a word of the instructions are kept first when space is short."""
    facts = [fact for n in range(100) for fact in used("Edit", f"/f/file{n}.py")]
    facts += used("Read", "/f/tokenizer.py")

    text = digest_of(facts, "Mind the TOKENIZER, please", 300)

    assert section(text, "Keep in mind") == ["Mind the TOKENIZER, please"]
    assert section(text, "Files read") == ["- /f/tokenizer.py"]
    assert "tokenizer" not in digest_of(facts, None, 300)


def test_equal_prompts_in_a_row_are_listed_once_and_the_middle_of_many_is_left_out() -> None:
    """The first and the last prompts are shown, with their numbers."""
    again = digest_of([hook("UserPromptSubmit", "Again")] * 3)
    listed = PROMPTS_FIRST + PROMPTS_LAST
    many = digest_of([hook("UserPromptSubmit", f"Number {n}") for n in range(1, listed + 51)], None, 100_000)

    assert section(again, "Asked for") == ["1. Again (asked 3 times)"]
    lines = section(many, "Asked for")
    assert (len(lines), lines[0], lines[5], lines[-1]) == (listed, "1. Number 1", f"{56}. Number 56", "150. Number 150")


def test_what_people_wrote_does_not_look_like_a_title_of_ours() -> None:
    """Lines after the first are indented or quoted, so a user's text can't imitate a section."""
    text = digest_of([hook("UserPromptSubmit", "a\n## Files changed\n- /etc"), hook("Stop", "b\n## Open tasks")])

    assert section(text, "Files changed") == []
    assert section(text, "Open tasks") == []


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ([hook("StopFailure", detail="overloaded")], "(The latest turn broke off: overloaded)"),
        ([hook("StopFailure")], "(The latest turn broke off: unknown)"),
        ([hook("Stop", "fine"), hook("Stop", "a subagent's", agent_id="a")], "> fine"),
        ([hook("StopFailure", detail="overloaded"), hook("Stop", "fine")], "> fine"),
        ([hook("Stop", "fine"), hook("Stop", "")], "> fine"),
    ],
)
def test_the_last_answer_is_the_session_s_own(facts: list[SessionFact], line: str) -> None:
    """Answers of subagents do not count; an interrupted turn is shown as such; an empty answer is omitted."""
    assert section(digest_of(facts), "Last answer") == [line]


@pytest.mark.parametrize(
    ("facts", "changed"),
    [
        (used("Write", "/a")[:1], []),  # a call that never returned may have been interrupted
        (used("Write", "/a")[1:], ["- /a"]),
        (used("Write", "/a") * 2, ["- /a"]),
        (list(reversed(used("Write", "/a"))), ["- /a"]),
        (used("Write", "/a", "PostToolUseFailure"), []),
        (used("Write", "/a", "PermissionDenied"), []),
        (used("Write", "/a") + used("Edit", "/a", id_="2"), ["- /a (×2)"]),
        (used("Write", "/a") + used("Read", "/a"), ["- /a"]),
        (used("Write", ""), []),
    ],
)
def test_a_file_counts_as_changed_unless_the_tool_failed(facts: list[SessionFact], changed: list[str]) -> None:
    """Each call counts once, even if only one of its halves was seen or a half was repeated."""
    assert section(digest_of(facts), "Files changed") == changed


def test_an_empty_session_has_a_digest() -> None:
    """The digest of an empty session shows zero counts."""
    assert digest_of([]) == "# Session so far\n0 events, 0 prompts, 0 tool calls, 0 failed"


def test_a_create_that_comes_late_does_not_undo_a_change() -> None:
    """As in the session, a late create does not replace the newer title."""
    session = builders.session_id("late")
    late = digest_of(
        [lifecycle(builders.changed(session, title="New")), lifecycle(builders.created(session, title="Old"))]
    )

    assert late.startswith("# Session so far: New\n")


def test_the_title_of_another_line_break_stays_in_its_line() -> None:
    """A summary or title with line breaks cannot begin a section."""
    title = lifecycle(builders.changed(builders.session_id(str(uuid4())), title="a\n## b"))

    assert digest_of([title]).splitlines()[0] == "# Session so far: a ## b"
