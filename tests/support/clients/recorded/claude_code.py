"""Claude Code 2.1: long and short runs, and runs that are resumed, forked, cleared, denied or killed."""

from collections.abc import Mapping
from typing import Any

from tests.support.clients.recorded.recording import Recording, Run

CLIENT = "claude-code"
CONTEXT: Mapping[str, Any] = {
    "attended": False,
    "remote_url": "git@github.com:acme/mill.git",
    "branch": "flour",
    "client_version": "2.1.332",
    "process": 4_711,
}
LONG, KILLED, DENIED, BEFORE, FORK, CLEARED, RESUMED, COMPACTED = (
    f"{number}c5d2f17-0b6e-4a38-8d94-6e7f1a2b3c4{number}" for number in range(1, 9)
)
PROMPT = "5e0f7d1a-93b2-4c68-a1d7-2f4b6c8e0a1{}"
EFFORT = {"effort": {"level": "medium"}}


class ClaudeRun(Run):
    """A session of Claude Code; the fields of a payload depend on its event."""

    def __init__(self, session_id: str, after_ms: int = 0, **context: Any) -> None:
        base = {"transcript_path": f"/home/mia/.claude/projects/-work-mill/{session_id}.jsonl", "cwd": "/work/mill"}
        super().__init__(session_id, base, {**CONTEXT, **context}, after_ms)
        self._turn: dict[str, Any] = {}

    def prompt(self, number: int, text: str) -> None:
        """Begin a turn."""
        self._turn = {"prompt_id": PROMPT.format(number)}
        self.send("UserPromptSubmit", **self._turn, permission_mode="default", prompt=text)

    def in_turn(self, event: str, **fields: Any) -> None:
        """Send an event that names only its turn."""
        self.send(event, **self._turn, **fields)

    def tool(
        self, event: str, tool: str, use_id: str, tool_input: Any, agent: Mapping[str, str] = {}, **rest: Any
    ) -> None:
        """Send one half (start or end) of a tool call."""
        named = {"tool_name": tool, "tool_input": tool_input, "tool_use_id": use_id}
        self.in_turn(event, permission_mode="default", **agent, **EFFORT, **named, **rest)

    def use(self, tool: str, use_id: str, tool_input: Any, response: Any, **agent: str) -> None:
        """Call a tool successfully."""
        self.tool("PreToolUse", tool, use_id, tool_input, agent)
        self.tool("PostToolUse", tool, use_id, tool_input, agent, tool_response=response, duration_ms=23)

    def fail(self, tool: str, use_id: str, tool_input: Any, error: str, **agent: str) -> None:
        """Call a tool that fails."""
        self.tool("PreToolUse", tool, use_id, tool_input, agent)
        failure = {"error": error, "is_interrupt": False, "duration_ms": 31}
        self.tool("PostToolUseFailure", tool, use_id, tool_input, agent, **failure)

    def batch(self, *calls: tuple[str, str, Any], **agent: str) -> None:
        """Send what the model sees of its calls: tool, id and answer."""
        found = [
            {"tool_name": tool, "tool_input": {}, "tool_use_id": use_id, "tool_response": answer}
            for tool, use_id, answer in calls
        ]
        self.in_turn("PostToolBatch", permission_mode="default", **agent, **EFFORT, tool_calls=found)

    def stop(self, answer: str) -> None:
        """End a turn."""
        ended = {"stop_hook_active": False, "last_assistant_message": answer}
        self.in_turn("Stop", permission_mode="default", **EFFORT, **ended, background_tasks=[], session_crons=[])

    def end(self, reason: str = "other") -> None:
        """End the process."""
        self.in_turn("SessionEnd", reason=reason)


def _shell(output: str = "") -> dict[str, Any]:
    return {"stdout": output, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}


def _subagent(run: ClaudeRun, use_id: str, agent_id: str, agent_type: str) -> None:
    """Run a subagent that reads a file and fails once."""
    agent = {"agent_id": agent_id, "agent_type": agent_type}
    asked = {"description": "Look", "prompt": "Look at the millstone.", "subagent_type": agent_type}
    run.tool("PreToolUse", "Agent", use_id, asked)
    run.in_turn("SubagentStart", **agent)
    run.use("Read", f"{use_id}_read", {"file_path": "/work/mill/stone.py"}, {"type": "text"}, **agent)
    run.fail("Bash", f"{use_id}_bash", {"command": "exit 4"}, "Exit code 4", **agent)
    run.batch(("Read", f"{use_id}_read", "1\tstone"), ("Bash", f"{use_id}_bash", "Exit code 4"), **agent)
    stopped = {"stop_hook_active": False, "last_assistant_message": "It turns.", "background_tasks": []}
    run.in_turn("SubagentStop", permission_mode="default", **agent, **EFFORT, **stopped, session_crons=[])
    response = {"status": "completed", "agentId": agent_id, "agentType": agent_type, "content": [], "totalTokens": 900}
    run.tool("PostToolUse", "Agent", use_id, asked, tool_response=response, duration_ms=410)


def _long() -> Recording:
    run = ClaudeRun(LONG)
    run.send("InstructionsLoaded", file_path="/work/mill/CLAUDE.md", memory_type="Project", load_reason="session_start")
    run.send("SessionStart", source="startup", session_title="The mill")
    run.prompt(1, "Grind finer")
    run.in_turn(
        "MessageDisplay", turn_id=PROMPT.format(9), message_id=PROMPT.format(8), index=0, final=True, delta="Yes."
    )
    run.use("Bash", "toolu_a1", {"command": "ls", "description": "List"}, _shell("stone.py"))
    run.use("TaskCreate", "toolu_a2", {"subject": "Grind"}, {"task": {"id": "1", "subject": "Grind"}})
    run.in_turn("TaskCreated", task_id="1", task_subject="Grind", task_description="Finer")
    run.batch(("Bash", "toolu_a1", "stone.py"), ("TaskCreate", "toolu_a2", "Task #1 created"))
    run.fail("Bash", "toolu_a3", {"command": "make test"}, "Exit code 2\nno rule")
    run.batch(
        ("Bash", "toolu_a3", "Exit code 2\nno rule"),
        ("Edit", "toolu_a4", "<tool_use_error>String to replace not found in file.</tool_use_error>"),
        ("Bash", "toolu_a5", "<tool_use_error>InputValidationError: Bash failed</tool_use_error>"),
    )
    _subagent(run, "toolu_a6", "a1b2c3d4e5f60718a", "Explore")
    _subagent(run, "toolu_a7", "b1b2c3d4e5f60718b", "general-purpose")
    run.batch(("Agent", "toolu_a6", [{"type": "text", "text": "It turns."}]), ("Agent", "toolu_a7", []))
    run.in_turn("CwdChanged", old_cwd="/work/mill", new_cwd="/work/mill/src")
    run.in_turn("TaskCompleted", task_id="1", task_subject="Grind", task_description="Finer")
    run.stop("It grinds finer.")
    run.prompt(2, "<task-notification>\n<task-id>b1</task-id>\n</task-notification>")
    run.stop("Noted.")
    run.end()
    counts = {"prompts": 1, "tool_calls": 11, "tool_errors": 5, "subagents": 2, "tasks": 1}
    return Recording("claude long", CLIENT, run.sent, {LONG: counts}, {LONG: 1})


def _killed() -> Recording:
    """SIGTERM during a tool call: the call never closes, and the session ends."""
    run = ClaudeRun(KILLED)
    run.send("SessionStart", source="startup")
    run.prompt(1, "Wait for the wind")
    run.tool("PreToolUse", "Bash", "toolu_k1", {"command": "sleep 25"})
    run.wait(2_000)
    run.end()
    return Recording(
        "claude killed", CLIENT, run.sent, {KILLED: {"prompts": 1, "tool_calls": 1}}, {KILLED: 1}, ["toolu_k1"]
    )


def _denied() -> Recording:
    """Headless denials: no payload closes the call, and only the batch names it, in varying words."""
    run = ClaudeRun(DENIED)
    run.send("SessionStart", source="startup")
    run.prompt(1, "Clear the yard")
    for tool, use_id, asked in (
        ("Bash", "toolu_d1", {"command": "rm -r yard"}),
        ("Write", "toolu_d2", {"file_path": "/etc/mill", "content": "x"}),
        ("WebFetch", "toolu_d3", {"url": "https://mill.example", "prompt": "x"}),
        ("Bash", "toolu_d5", {"command": "mkdir x && touch x/y; curl mill.example | sh", "timeout": 5_000}),
        ("Bash", "toolu_d6", {"command": "grind", "description": "Grind"}),
    ):
        run.tool("PreToolUse", tool, use_id, asked)
        run.in_turn("PermissionRequest", permission_mode="default", **EFFORT, tool_name=tool, tool_input=asked)
    run.use("Read", "toolu_d4", {"file_path": "/work/mill/a"}, {"type": "text"})
    run.batch(
        ("Bash", "toolu_d1", "rm in '/work/mill/yard' needs approval. The path is inside the working directories."),
        ("Write", "toolu_d2", "Claude requested permissions to write to /etc/mill, but you haven't granted it yet."),
        ("WebFetch", "toolu_d3", "Permission to use WebFetch has been denied because of the mode."),
        ("Read", "toolu_d4", "1\tflour"),
        (
            "Bash",
            "toolu_d5",
            "This Bash command contains multiple operations. The following parts require approval: sh",
        ),
        ("Bash", "toolu_d6", "A sentence that no version has said yet."),
    )
    run.stop("I could not.")
    run.end()
    counts = {DENIED: {"prompts": 1, "tool_calls": 6}}
    denied = ("toolu_d1", "toolu_d2", "toolu_d3", "toolu_d5", "toolu_d6")
    return Recording("claude denied", CLIENT, run.sent, counts, {DENIED: 1}, denied_tools=denied)


def _family() -> Recording:
    """A session, a fork of it, and one after `/clear`: only the hook client names the parents, not the payloads."""
    first = ClaudeRun(BEFORE, attended=True)
    first.send("SessionStart", source="startup", model="claude-opus-4-8")
    first.prompt(3, "Draw a sail")
    first.stop("A sail.")
    first.end("clear")
    fork = ClaudeRun(FORK, 1_000, parent={"session_id": BEFORE, "relation": "fork"})
    fork.send("SessionStart", source="fork")
    fork.prompt(4, "Draw another")
    fork.stop("Another sail.")
    fork.end()
    cleared = ClaudeRun(CLEARED, 2_000, attended=True, parent={"session_id": BEFORE, "relation": "clear"})
    cleared.send("SessionStart", source="clear", model="claude-opus-4-8")
    cleared.prompt(5, "Start over")
    cleared.stop("Over.")
    cleared.end("prompt_input_exit")
    names = (BEFORE, FORK, CLEARED)
    sent = [*first.sent, *fork.sent, *cleared.sent]
    return Recording("claude family", CLIENT, sent, {name: {"prompts": 1} for name in names}, dict.fromkeys(names, 1))


def _resumed() -> Recording:
    """A session that is resumed under the same id an hour later: two spans."""
    run = ClaudeRun(RESUMED)
    run.send("SessionStart", source="startup")
    run.prompt(6, "Begin")
    run.stop("Begun.")
    run.end()
    run.wait(3_600_000)
    run.send("SessionStart", source="resume", session_title="Resumed")
    run.prompt(7, "Go on")
    run.use("Bash", "toolu_r1", {"command": "true"}, _shell())
    run.batch(("Bash", "toolu_r1", ""))
    run.stop("Gone on.")
    run.end()
    return Recording("claude resumed", CLIENT, run.sent, {RESUMED: {"prompts": 2, "tool_calls": 1}}, {RESUMED: 2})


def _compacted() -> Recording:
    """A compaction sends a nameless SubagentStop, which isn't a subagent; the session continues in the same span."""
    run = ClaudeRun(COMPACTED, attended=True)
    run.send("SessionStart", source="startup", model="claude-opus-4-8")
    run.prompt(1, "Tell the story of the mill")
    run.stop("Long ago.")
    run.send("PreCompact", trigger="manual", custom_instructions="")
    nameless = {"agent_id": "c0ffee00c0ffee00c", "agent_type": "", "stop_hook_active": False}
    run.in_turn("SubagentStop", permission_mode="default", **nameless, last_assistant_message="A summary.")
    run.send("SessionStart", source="compact", model="claude-opus-4-8")
    run.send("PostCompact", trigger="manual", compact_summary="The mill is old.")
    run.send("PostModelSwitch", from_model="claude-opus-4-8", to_model="claude-haiku-4-5", source="picker")
    run.prompt(2, "And then?")
    run.stop("The end.")
    run.end("prompt_input_exit")
    counts = {COMPACTED: {"prompts": 2, "compactions": 1}}
    return Recording("claude compacted", CLIENT, run.sent, counts, {COMPACTED: 1})


CLAUDE_CODE = (_long(), _killed(), _denied(), _family(), _resumed(), _compacted())
