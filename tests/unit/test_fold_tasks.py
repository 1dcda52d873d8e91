"""Statuses and times of subagents, tasks and tool calls: missing halves, early ends, and which source wins."""

from typing import Any

import pytest

from processors.fold.tasks import OPEN_MAX
from schemas.log.records import AnyRecord, Event
from tests.support.builders import T0, ended, hook, recorded
from tests.support.folded import SESSION, row_of, tasks_of

Fact = AnyRecord | Event
REFUSED = "<tool_use_error>Blocked</tool_use_error>"
DENIED = "Permission to use Bash has been denied."


def at(second: int) -> int:
    """Return the time of a second."""
    return T0 + second * 1000


def pre(second: int, name: str = "u", **more: Any) -> Event:
    """Return the start of a tool call."""
    return hook("PreToolUse", at(second), **{"tool_use_id": name, "tool_name": "Bash", **more})


def post(second: int, name: str = "u", **more: Any) -> Event:
    """Return its success."""
    return hook("PostToolUse", at(second), **{"tool_use_id": name, "tool_name": "Bash", **more})


def failure(second: int, **more: Any) -> Event:
    """Return its failure."""
    return hook("PostToolUseFailure", at(second), tool_use_id="u", tool_name="Bash", **more)


def denial(second: int, **more: Any) -> Event:
    """Return its denial."""
    return hook("PermissionDenied", at(second), tool_use_id="u", tool_name="Bash", **more)


def batch(second: int, response: Any = "ok", name: str = "u") -> Event:
    """Return a batch that names the call."""
    calls = [{"tool_use_id": name, "tool_name": "Bash", "tool_response": response}]
    return hook("PostToolBatch", at(second), tool_calls=calls)


def stop(second: int, **more: Any) -> Event:
    """Return the end of a turn."""
    return hook("Stop", at(second), **more)


def prompt(second: int, **more: Any) -> Event:
    """Return a prompt."""
    return hook("UserPromptSubmit", at(second), **more)


def agent(event: str, second: int, name: str = "a", **more: Any) -> Event:
    """Return a start or a stop of a subagent."""
    return hook(f"Subagent{event}", at(second), **{"agent_id": name, "agent_type": "Plan", **more})


def end(second: int) -> AnyRecord:
    """Return an end of the session."""
    return ended(SESSION, ended_at=at(second))


def shell(second: int) -> Event:
    """Return the success of a call that left a shell running."""
    return post(second, tool_response={"backgroundTaskId": "s"}, duration_ms=7)


def launch(second: int, status: str = "async_launched", name: str = "launcher") -> Event:
    """Return the success of the call that started subagent a."""
    return post(second, name, tool_name="Agent", tool_response={"agentId": "a", "status": status})


def over(second: int, status: str = "completed") -> Event:
    """Return the end of a turn that reports the shell as over."""
    return stop(second, background_tasks=[{"id": "s", "status": status}])


def notice(second: int, status: str) -> Event:
    """Return the client's own prompt that reports it."""
    text = f"<task-notification>\n<task-id>s</task-id>\n<status>{status}</status>\n</task-notification>"
    return prompt(second, prompt=text)


def asked(second: int, **more: Any) -> Event:
    """Return a request for permission to remove something."""
    given = {"tool_name": "Bash", **RM, **more}
    return hook("PermissionRequest", at(second), **{name: value for name, value in given.items() if value is not None})


TELEMETRY = {"telemetry": True}
LS, RM = {"command": "ls"}, {"tool_input": {"command": "rm -r yard"}}
SENTENCE = "Some client of tomorrow needs a nod first."
PARTS = "This Bash command contains multiple operations. The following parts require approval:"
USES: dict[str, tuple[list[Fact], tuple[str, int | None, int | None]]] = {
    # status, end (second), duration (ms)
    "both halves": ([pre(1), post(3)], ("completed", 3, 2000)),
    "the reported duration": ([pre(1), post(3, duration_ms=5)], ("completed", 3, 5)),
    "no end": ([pre(1)], ("running", None, None)),
    "no start": ([post(3)], ("unknown", 3, None)),
    "a failure": ([pre(1), failure(3)], ("failed", 3, 2000)),
    "a failure alone": ([failure(3)], ("failed", 3, None)),
    "a denial": ([pre(1), denial(2)], ("denied", 2, 1000)),
    "a failure before a denial": ([denial(2), failure(3)], ("failed", 2, None)),
    # turns
    "stopped": ([pre(1), stop(2)], ("cancelled", None, None)),
    "stopped at its start": ([pre(1), stop(1)], ("cancelled", None, None)),
    "stopped before": ([stop(0), pre(1)], ("running", None, None)),
    "stopped before, logged after": ([pre(1), stop(0)], ("running", None, None)),
    "stopped after, logged before": ([stop(2), pre(1)], ("cancelled", None, None)),
    "begun at the time of a prompt": ([prompt(1), pre(1)], ("running", None, None)),
    "the next prompt": ([pre(1), prompt(2)], ("cancelled", None, None)),
    "the next prompt, by telemetry": ([pre(1), prompt(2, **TELEMETRY)], ("cancelled", None, None)),
    "a prompt of the client": ([pre(1), prompt(2, source="system")], ("running", None, None)),
    "a prompt of a subagent": ([pre(1), prompt(2, agent_id="a")], ("running", None, None)),
    "a failed turn": ([pre(1), hook("StopFailure", at(2))], ("cancelled", None, None)),
    "a stop of another agent": ([pre(1), stop(2, agent_id="a")], ("running", None, None)),
    "an end after all": ([pre(1), stop(2), post(4)], ("completed", 4, 3000)),
    "ended before": ([pre(1), post(2), stop(3)], ("completed", 2, 1000)),
    "denied and stopped": ([pre(1), denial(2), stop(3)], ("denied", 2, 1000)),
    "the end of the session": ([pre(1), end(2)], ("cancelled", None, None)),
    "logged after that": ([end(2), pre(1)], ("cancelled", None, None)),
    "the second end of a span does nothing": ([end(2), end(5), pre(3)], ("running", None, None)),
    # subagents
    "its agent stopped": ([pre(1, agent_id="a"), agent("Stop", 2)], ("cancelled", None, None)),
    "another agent stopped": ([pre(1, agent_id="a"), agent("Stop", 2, "b")], ("running", None, None)),
    "the main agent's stays": ([pre(1), agent("Stop", 2)], ("running", None, None)),
    # batches
    "a batch": ([pre(1), batch(3)], ("completed", 3, 2000)),
    "refused": ([batch(3, REFUSED)], ("failed", 3, None)),
    "denied in a batch": ([pre(1), batch(3, DENIED)], ("denied", 3, 2000)),
    "denied in blocks": ([pre(1), batch(3, [{"type": "text", "text": DENIED}])], ("denied", 3, 2000)),
    "a batch after its end": ([pre(1), post(2), batch(3)], ("completed", 2, 1000)),
    "a batch before its end": ([pre(1), batch(3), post(4)], ("completed", 4, 3000)),
    "a batch before the turn's end": ([pre(1), batch(3), stop(4)], ("completed", 3, 2000)),
    # permissions: the request names a tool and its input, not the call
    "asked for in vain": ([pre(1, **RM), asked(2), batch(3, SENTENCE)], ("denied", 3, 2000)),
    "asked for before it began": ([asked(1), pre(2, **RM), batch(3, SENTENCE)], ("denied", 3, 1000)),
    "asked for, logged last": ([pre(1, **RM), batch(3, SENTENCE), asked(2)], ("denied", 3, 2000)),
    "asked for, and granted": ([pre(1, **RM), asked(2), post(3), batch(4, SENTENCE)], ("completed", 3, 2000)),
    "granted, logged before": ([post(3), pre(1, **RM), asked(2), batch(4, SENTENCE)], ("completed", 3, 2000)),
    "granted, as telemetry says": ([pre(1, **RM), asked(2), batch(4), post(3, **TELEMETRY)], ("completed", 3, 2000)),
    "asked for, and failed": ([pre(1, **RM), asked(2), failure(3), batch(4)], ("failed", 3, 2000)),
    "asked for, and in no batch": ([pre(1, **RM), asked(2)], ("running", None, None)),
    "asked for, then stopped": ([pre(1, **RM), asked(2), stop(3)], ("cancelled", None, None)),
    "another input": ([pre(1, **RM), asked(2, tool_input=LS), batch(3, SENTENCE)], ("completed", 3, 2000)),
    "another tool": ([pre(1, **RM), asked(2, tool_name="Edit"), batch(3, SENTENCE)], ("completed", 3, 2000)),
    "another turn": ([pre(1, **RM), asked(2, prompt_id="q"), batch(3, SENTENCE)], ("completed", 3, 2000)),
    "not asked for": ([pre(1, **RM), batch(3, SENTENCE)], ("completed", 3, 2000)),
    "without inputs": ([pre(1), asked(2, tool_input=None), batch(3, SENTENCE)], ("denied", 3, 2000)),
    "output like a denial": ([pre(1), post(2), batch(3, DENIED)], ("completed", 2, 1000)),
    "a later half of a sentence": ([pre(1), batch(3, f"Many. {SENTENCE} rm")], ("completed", 3, 2000)),
    "one of the known sentences": ([pre(1), batch(3, f"{PARTS} rm")], ("denied", 3, 2000)),
    # telemetry
    "telemetry alone": ([pre(1, **TELEMETRY), post(3, duration_ms=9, **TELEMETRY)], ("completed", 3, 9)),
    "hooks before telemetry": (
        [pre(1), post(3, duration_ms=5), pre(2, **TELEMETRY), post(4, duration_ms=9, **TELEMETRY)],
        ("completed", 3, 5),
    ),
    "telemetry before hooks": (
        [pre(2, **TELEMETRY), post(4, duration_ms=9, **TELEMETRY), pre(1), post(3, duration_ms=5)],
        ("completed", 3, 5),
    ),
    "rejected": ([pre(1), denial(2, **TELEMETRY), stop(3)], ("denied", 2, 1000)),
    "telemetry, then an earlier batch": ([pre(1), post(4, **TELEMETRY), batch(3)], ("completed", 3, 2000)),
    "a batch, then later telemetry": ([pre(1), batch(3), post(4, **TELEMETRY)], ("completed", 3, 2000)),
    # shells
    "a shell": ([pre(1), shell(2)], ("running", None, None)),
    "a shell at the turn's end": ([pre(1), shell(2), stop(3), prompt(4)], ("running", None, None)),
    "a shell at the session's end": ([pre(1), shell(2), end(3)], ("cancelled", None, None)),
    "a shell in a batch": ([pre(1), shell(2), batch(2)], ("running", None, None)),
    "a shell after its batch": ([pre(1), batch(2), shell(2)], ("running", None, None)),
    "telemetry of a shell": ([pre(1), shell(2), post(2, duration_ms=9, **TELEMETRY)], ("running", None, None)),
    "telemetry before it": ([pre(1), post(2, duration_ms=9, **TELEMETRY), shell(2)], ("running", None, None)),
    "telemetry denies a shell": ([pre(1), shell(2), denial(2, **TELEMETRY)], ("denied", None, None)),
    "a shell that is over": ([pre(1), shell(2), over(5)], ("completed", 5, 4000)),
    "a shell that exited": ([pre(1), shell(2), over(5, "exited")], ("completed", 5, 4000)),
    "a shell that failed": ([pre(1), shell(2), over(5, "failed")], ("failed", 5, 4000)),
    "a shell that was killed": ([pre(1), shell(2), over(5, "killed")], ("cancelled", None, None)),
    "a shell that runs": ([pre(1), shell(2), over(5, "running")], ("running", None, None)),
    "a notice": ([pre(1), shell(2), notice(5, "completed")], ("completed", 5, 4000)),
    "a notice of a failure": ([pre(1), shell(2), notice(5, "error")], ("failed", 5, 4000)),
    "over after the end": ([pre(1), shell(2), end(3), over(5)], ("completed", 5, 4000)),
    "an end of hooks stays": ([pre(1), post(2), shell(3)], ("completed", 2, 1000)),
    "a subagent's payload says it": (
        [pre(1), shell(2), agent("Stop", 5, background_tasks=[{"id": "s", "status": "done"}])],
        ("completed", 5, 4000),
    ),
    "an Edit leaves no shell": (
        [pre(1), post(2, tool_name="Edit", tool_response={"backgroundTaskId": "s"})],
        ("completed", 2, 1000),
    ),
    "a shell without a start, ended": ([shell(2), end(3), pre(4)], ("running", None, None)),
}


@pytest.mark.parametrize("name", USES)
def test_uses_of_tools(name: str) -> None:
    """Each case is about the call with the id `u`."""
    facts, (status, ended_s, duration_ms) = USES[name]

    use = tasks_of(*facts)["u"]

    ended_at = None if ended_s is None else at(ended_s)
    assert (use.status, use.ended_at, use.duration_ms) == (status, ended_at, duration_ms)


AGENTS: dict[str, tuple[list[Fact], tuple[str, int | None]]] = {
    "both halves": ([agent("Start", 1), agent("Stop", 3)], ("completed", 3)),
    "only named": ([pre(1, agent_id="a")], ("unknown", None)),
    "stopped with its turn": ([agent("Start", 1), stop(2)], ("cancelled", None)),
    "logged after its turn": ([stop(2), agent("Start", 1)], ("cancelled", None)),
    "an end after all": ([agent("Start", 1), stop(2), agent("Stop", 3)], ("completed", 3)),
    "the next prompt": ([agent("Start", 1), prompt(2)], ("cancelled", None)),
    "its own prompt": ([agent("Start", 1), prompt(2, agent_id="a")], ("running", None)),
    "in the background": ([agent("Start", 1), launch(1), stop(2), prompt(3)], ("running", None)),
    "in the foreground": ([agent("Start", 1), launch(1, "completed"), stop(2)], ("cancelled", None)),
    "in the background of a session": ([agent("Start", 1), launch(1), end(2)], ("cancelled", None)),
    "nameless, but begun": ([agent("Start", 1), agent("Stop", 3, agent_type="")], ("completed", 3)),
    "nameless, logged before": ([agent("Stop", 3, agent_type=""), agent("Start", 1)], ("completed", 3)),
    "telemetry before hooks": ([agent("Start", 1), agent("Stop", 4, **TELEMETRY), agent("Stop", 3)], ("completed", 3)),
    "hooks before telemetry": ([agent("Start", 1), agent("Stop", 4), agent("Stop", 3, **TELEMETRY)], ("completed", 4)),
}


@pytest.mark.parametrize("name", AGENTS)
def test_subagents(name: str) -> None:
    """Each case is about the agent with the id `a`."""
    facts, (status, ended_s) = AGENTS[name]

    found = tasks_of(*facts)["a"]

    assert (found.status, found.ended_at) == (status, None if ended_s is None else at(ended_s))


def test_what_belongs_to_an_agent_in_the_background_goes_on_with_it() -> None:
    """Its calls, and agents and calls below it; the calls end with their own agent."""
    facts = [
        *(
            launch(1),
            agent("Start", 1),
            pre(2, "use of a", agent_id="a"),
            pre(2, "inner", tool_name="Agent", agent_id="a"),
        ),
        post(2, "inner", tool_name="Agent", agent_id="a", tool_response={"agentId": "b"}),
        *(
            agent("Start", 3, "b"),
            pre(4, "use of b", agent_id="b"),
            pre(4, "own"),
            stop(5),
            pre(4, "late", agent_id="b"),
        ),
    ]

    statuses = {name: task.status for name, task in tasks_of(*facts).items()}
    later = {name: task.status for name, task in tasks_of(*facts, agent("Stop", 6)).items()}

    running = dict.fromkeys(("a", "b", "use of a", "use of b", "late"), "running")
    assert statuses == {**running, "own": "cancelled", "inner": "completed", "launcher": "unknown"}
    assert later == {**statuses, "a": "completed", "use of a": "cancelled"}


def test_a_subagent_stands_under_the_use_that_started_it() -> None:
    """In either order; a call that resumes it does not move it, and only `Agent` and `Task` start agents."""
    first, again = launch(1), launch(5, name="again")
    by_shell = post(1, "bash", tool_response={"agentId": "a", "status": "async_launched"})

    for facts in ([first, agent("Start", 1)], [agent("Start", 1), first], [first, agent("Start", 1), again]):
        assert tasks_of(*facts)["a"].parent_task_id == "launcher"
    assert tasks_of(by_shell, agent("Start", 1))["a"].parent_task_id == ""
    assert tasks_of(by_shell, agent("Start", 1), stop(2))["a"].status == "cancelled"


def test_tasks_end_with_the_session_and_not_with_a_turn() -> None:
    """A user's task may take many turns."""
    begun, done = (hook(f"Task{kind}", at(1), task_id="1", task_subject="Fix") for kind in ("Created", "Completed"))

    assert tasks_of(begun, stop(2), prompt(3))["1"].status == "running"
    assert tasks_of(begun, end(4))["1"].status == "cancelled"
    assert tasks_of(end(4), begun)["1"].status == "cancelled"
    assert tasks_of(begun, end(4), done)["1"].status == "completed"
    assert tasks_of(done)["1"].status == "unknown"


def test_a_shell_that_failed_is_no_error_of_its_tool_and_its_time_counts_once() -> None:
    """The tool did its work: it started the shell, and telemetry reports the same again."""
    row = row_of(pre(1), shell(2), post(2, duration_ms=9, **TELEMETRY), over(5, "failed"))

    assert (row.tool_errors, row.tools) == (0, [("Bash", 1, 0, 7)])


def test_a_use_has_the_name_that_hooks_say() -> None:
    """Telemetry hides the names of some tools; its counts then move to the right name."""
    hidden = {**TELEMETRY, "tool_name": "mcp_tool"}

    row = row_of(pre(1, **hidden), post(2, duration_ms=9, **hidden), post(3, tool_name="mcp__db__ask"))

    assert row.tools == [("mcp__db__ask", 1, 0, 9)]
    assert row_of(post(3, tool_name="mcp__db__ask"), post(2, **hidden)).tools[0].tool_name == "mcp__db__ask"


def test_tools_of_another_client_have_the_known_names() -> None:
    """Its payloads stay unchanged; only what they report about tools is read through the client's table."""
    sent = recorded(SESSION, pre(1, tool_name="run_shell_command"), shell_of_gemini(), client="gemini-cli")

    row = row_of(sent, stop(3))

    assert row.tools == [("Bash", 1, 0, 0)]
    assert tasks_of(sent, stop(3))["u"].status == "running"


def shell_of_gemini() -> Event:
    """Return a call of its shell that continues in the background."""
    return post(2, tool_name="run_shell_command", tool_response={"backgroundTaskId": "s"})


def test_what_is_open_is_bounded() -> None:
    """A client that opens more calls than any agent would makes no later event slow; the first calls stay running."""
    begun = [pre(1, f"u{number}") for number in range(OPEN_MAX + 1)]

    tasks = tasks_of(*begun, stop(2))

    assert {name: task.status for name, task in tasks.items()} == {
        **{f"u{number}": "cancelled" for number in range(1, OPEN_MAX + 1)},
        "u0": "running",
    }
