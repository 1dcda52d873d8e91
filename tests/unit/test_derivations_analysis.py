"""The analysis of a session: how the time was spent, what failed, what was repeated, and its title."""

from collections.abc import Iterable

import pytest

from processors.derivations.analysis.analysis import FILES, LISTED, Analysis
from processors.derivations.session_facts import SessionFact
from schemas.findings import EditedFile, Findings, RepeatedCommand, RunOfTests, TimeSplit, ToolErrorRate
from schemas.times import instant
from tests.support.session_facts import T0, hook, used


def found(facts: Iterable[SessionFact], sensitive: bool = False) -> Findings:
    analysis = Analysis()
    for fact in facts:
        analysis.take(fact)
    return analysis.findings(sensitive)


def tool(event_type: str, id_: str, s: float, **more: str) -> SessionFact:
    return hook(event_type, s=s, tool_name="Bash", tool_use_id=id_, **more)


def _question(event_type: str, s: float) -> SessionFact:
    return hook(event_type, s=s, tool_name="AskUserQuestion", tool_use_id="q")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], (0, 0, 0, 0)),
        ([hook("Stop", s=5)], (0, 0, 0, 0)),
        ([hook("UserPromptSubmit"), hook("Stop", s=9)], (0, 9, 0, 0)),
        ([hook("Stop"), hook("UserPromptSubmit", s=9)], (0, 0, 9, 0)),
        ([hook("StopFailure"), hook("Notification", s=1), hook("UserPromptSubmit", s=9)], (0, 0, 9, 0)),
        ([hook("Notification", detail="idle_prompt"), hook("PreToolUse", s=9)], (0, 0, 9, 0)),
        ([hook("Notification", detail="auth_success"), hook("PreToolUse", s=9)], (0, 9, 0, 0)),
        ([hook("Stop", agent_id="a"), hook("Stop", s=9)], (0, 9, 0, 0)),  # a subagent's stop doesn't end a turn
        ([tool("PreToolUse", "1", 0), tool("PostToolUse", "1", 4), hook("Stop", s=9)], (4, 5, 0, 0)),
        ([tool("PostToolUse", "1", 4), hook("Stop", s=9), tool("PreToolUse", "1", 0)], (4, 5, 0, 0)),  # late in the log
        (
            [tool("PreToolUse", "1", 0), tool("PreToolUse", "2", 1), tool("PostToolUse", "1", 4), hook("X", s=9)],
            (9, 0, 0, 0),
        ),
        (
            [tool("PreToolUse", "1", 0), hook("Stop", s=4), hook("X", s=9)],
            (4, 0, 5, 0),
        ),  # interrupted, which nothing reports
        ([tool("PreToolUse", "1", 0), tool("PermissionDenied", "1", 4), hook("X", s=9)], (4, 5, 0, 0)),
        ([tool("PreToolUse", "1", 0), tool("PostToolUse", "1", 3000)], (3000, 0, 0, 0)),
        ([hook("SessionStart"), hook("InstructionsLoaded", s=1), hook("UserPromptSubmit", s=9)], (0, 0, 9, 0)),
        (
            [tool("PreToolUse", "1", 0), hook("PermissionRequest", s=1), tool("PostToolUse", "1", 4), hook("X", s=9)],
            (1, 5, 3, 0),
        ),  # a tool that waits for a permission isn't running
        ([tool("PreToolUse", "1", 0), hook("PostToolBatch", s=4), hook("X", s=9)], (4, 5, 0, 0)),
        ([hook("Elicitation"), hook("ElicitationResult", s=4), hook("X", s=9)], (0, 5, 4, 0)),
        ([_question("PreToolUse", 0), _question("PostToolUse", 4), hook("X", s=9)], (0, 5, 4, 0)),
        (
            [
                tool("PreToolUse", "1", 0, agent_id="a"),
                hook("PermissionRequest", s=1, agent_id="b"),
                tool("PostToolUse", "1", 4, agent_id="a"),
                hook("X", s=9),
            ],
            (4, 0, 5, 0),
        ),  # one agent asks while another is working
        ([hook("UserPromptSubmit"), hook("X", s=600), hook("X", s=1201)], (0, 600, 0, 601)),
        ([hook("Stop"), hook("UserPromptSubmit", s=7200)], (0, 0, 0, 7200)),
    ],
)
def test_the_time_is_split_by_what_was_going_on(facts: list[SessionFact], expected: tuple[int, ...]) -> None:
    """Seconds of tools, model, waiting and idle add up to the time from the first to the last event."""
    tools, model, waiting, idle = (1000 * seconds for seconds in expected)

    assert found(facts).time_split == TimeSplit(sum(expected) * 1000, tools, model, waiting, idle)


def test_error_rates_are_by_tool_with_the_most_errors_first() -> None:
    """A call with an id counts once; an error without an id counts each time, with or without a call."""
    facts = [
        *used("Bash", "a", "PostToolUseFailure"),
        *used("Bash", "a", "PostToolUseFailure"),
        *used("Bash", "b"),
        *used("Read", "c"),
        hook("PostToolUseFailure", tool_name="Odd"),
        hook("PostToolUseFailure", tool_name="Odd"),
        hook("PreToolUse", tool_name="Read"),
    ]

    assert found(facts).tool_error_rates == [
        ToolErrorRate("Odd", 0, 2, None),
        ToolErrorRate("Bash", 2, 1, 0.5),
        ToolErrorRate("Read", 2, 0, 0.0),
    ]


@pytest.mark.parametrize(
    ("command", "is_test"),
    [
        ("pytest -q", True),
        ("cd api && .venv/bin/python -m pytest tests", True),
        ("python3.11 -m unittest", True),
        ("npm test", True),
        ("npm run test -- --watch=false", True),
        ("pnpm run test:unit", True),
        ("npx vitest run", True),
        ("go test ./...", True),
        ("cargo nextest run", True),
        ("./gradlew :app:test", True),
        ("mvn -q verify", True),
        ("make -j4 test", True),
        ("make test ARGS='-k x'", True),
        ("dotnet test", True),
        ("node --test", True),
        ("CI=1 yarn test", True),
        ("git commit -m 'add test'", False),
        ("cat pytest.ini", False),
        ("pip install pytest-xdist", False),
        ("npm run build", False),
        ("ls tests", False),
        ("make testing", False),
        ("go build ./...", False),
    ],
)
def test_commands_that_run_tests_are_distinguished_from_others(command: str, is_test: bool) -> None:
    """A command counts as a test run by the program it calls, not because of the word "test"."""
    assert [run.command for run in found(used("Bash", command)).tests_run] == [command] * is_test


def test_runs_of_tests_say_how_the_latest_went() -> None:
    """The result is that of the latest run; denied commands did not run."""
    facts = [
        *used("Bash", "pytest", id_="1"),
        *used("Bash", "pytest", "PostToolUseFailure", id_="2"),
        *used("Bash", "pytest", "PermissionDenied", id_="3"),
        *used("Bash", "tox", "PermissionDenied", id_="4"),
        *used("Bash", "go test", "PostToolUseFailure", id_="5"),
        *used("Bash", "go test", id_="6"),
    ]

    assert found(facts).tests_run == [RunOfTests("go test", 2, 1, False), RunOfTests("pytest", 2, 1, True)]
    assert found(facts).repeated_commands == [RepeatedCommand("go test", 2, 1), RepeatedCommand("pytest", 2, 1)]


def test_files_count_what_was_done_to_them() -> None:
    """All editing tools are counted; failed or denied calls changed nothing; reading is not an edit."""
    facts = [
        *used("Write", "/a", id_="1"),
        *used("Edit", "/a", id_="2"),
        *used("Edit", "/a", "PostToolUseFailure", id_="3"),
        *used("Edit", "/b", "PermissionDenied", id_="4"),
        *used("NotebookEdit", "/n", id_="5"),
        *used("Read", "/c", id_="6"),
    ]

    assert found(facts).files_edited == [EditedFile("/a", 2), EditedFile("/n", 1)]


def test_lists_are_bounded() -> None:
    """The most frequent entries are listed, in an order that does not depend on the order of the events."""
    facts = [fact for n in range(300) for fact in used("Edit", f"/f{n:03}")]
    facts += [fact for n in range(40) for i in range(2) for fact in used("Bash", f"c{n:02}", id_=f"{n}-{i}")]

    assert [file.path for file in found(facts).files_edited] == [f"/f{n:03}" for n in range(FILES)]
    assert found(facts) == found(reversed(facts))
    assert [row.command for row in found(facts).repeated_commands] == [f"c{n:02}" for n in range(LISTED)]


def test_the_longest_gaps_say_between_what_they_were() -> None:
    """At most five gaps are listed, the longest first; simultaneous events have no gap."""
    times = (0, 0, 1, 3, 3.5, 8, 20, 20.25)
    gaps = found([hook(f"E{place}", s=s) for place, s in enumerate(times)]).longest_gaps

    assert [(gap.duration_ms, gap.after, gap.before) for gap in gaps] == [
        (12_000, "E5", "E6"),
        (4_500, "E4", "E5"),
        (2_000, "E2", "E3"),
        (1_000, "E1", "E2"),
        (500, "E3", "E4"),
    ]
    assert (gaps[0].started_at, gaps[0].ended_at) == (instant(T0 + 8_000), instant(T0 + 20_000))


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Fix the refunds", "Fix the refunds"),
        ("fix the refunds. Then test them.", "Fix the refunds"),
        ("\n\n# Refunds\nare off by a cent", "Refunds"),
        ("Hi! Could you please look at v1.2 of the API?", "Look at v1.2 of the API?"),
        ("please", "Please"),
        ("/review --deep", None),
        ("  \n ", None),
        ("- the build is `red`:\nlook", "The build is `red`"),
        ("x" * 200, "X" + "x" * 78 + "…"),
        (
            "why does the importer hold the whole file in memory, and not just a part of it at any time",
            "Why does the importer hold the whole file in memory, and not just a part of it…",
        ),
    ],
)
def test_a_title_is_the_first_sentence_of_what_was_asked_for(prompt: str, title: str | None) -> None:
    """The title is one line of at most 80 characters, without polite phrases; client commands are not titles."""
    suggested = found([hook("UserPromptSubmit", prompt)]).suggested_title

    assert suggested == title
    assert suggested is None or len(suggested) <= 80


def test_prompts_of_machines_give_no_title() -> None:
    """The title comes from the first prompt that a user wrote."""
    facts = [hook("UserPromptSubmit", "wake up", detail="loop_wakeup"), hook("UserPromptSubmit", "Real work")]

    assert found(facts).suggested_title == "Real work"


def test_of_a_sensitive_session_there_are_times_and_counts_only() -> None:
    """The analysis of a sensitive session has no content, for any facts."""
    facts = [
        hook("UserPromptSubmit", "secret", s=0),
        *used("Bash", "pytest secret", "PostToolUseFailure", id_="1", detail="secret"),
        *used("Bash", "pytest secret", id_="2"),
        *used("Edit", "secret"),
        hook("Stop", "secret", s=60),
    ]

    findings = found(facts, sensitive=True)

    assert "secret" not in repr(findings)
    assert findings.time_split.total_ms == 60_000
    assert findings.tool_error_rates[0] == ToolErrorRate("Bash", 2, 1, 0.5)
