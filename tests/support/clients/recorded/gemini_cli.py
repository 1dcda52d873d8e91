"""Gemini CLI 0.61: its own event names, a time in every payload, no tool call ids, PreCompress before every request."""

from typing import Any

from tests.support.clients.recorded.recording import Recording, Run, Sent, at_text

SESSION = "6b7c8d9e-0f1a-4b2c-9d3e-4f5a6b7c8d9e"
BEGIN_MS = 1_768_904_000_000
REQUEST = {"llm_request": {"model": "gemini-2.5-pro", "messages": [{"role": "user", "content": "Dress the stone"}]}}


def _one() -> Recording:
    base = {"transcript_path": "/home/mia/.gemini/tmp/mill/chats/session.jsonl", "cwd": "/work/mill"}
    run = Run(SESSION, base, {"attended": True, "client_version": "0.61.0"})
    run.send("SessionStart", source="startup")
    run.send("BeforeAgent", prompt="Dress the stone")
    run.send("PreCompress", trigger="auto")
    run.send("BeforeModel", **REQUEST)
    run.send("BeforeToolSelection", **REQUEST)
    run.send("AfterModel", **REQUEST, llm_response={"text": "Yes.", "usageMetadata": {"totalTokenCount": 90}})
    shell = "Output: {}\nExit Code: {}\nProcess Group PGID: 77"
    for tool, asked, response in (
        ("list_directory", {"dir_path": "/work/mill"}, {"llmContent": "stone.py", "returnDisplay": "1 item"}),
        ("read_file", {"file_path": "/work/none"}, {"llmContent": "File not found", "error": {"message": "no"}}),
        ("run_shell_command", {"command": "ls"}, {"llmContent": shell.format("stone.py", 0)}),
        ("run_shell_command", {"command": "exit 3"}, {"llmContent": shell.format("(empty)", 3)}),
    ):
        run.send("BeforeTool", tool_name=tool, tool_input=asked)
        run.send("AfterTool", tool_name=tool, tool_input=asked, tool_response=response)
    run.send("PreCompress", trigger="auto")
    run.send("AfterAgent", prompt="Dress the stone", prompt_response="It is dressed.", stop_hook_active=False)
    run.send("SessionEnd", reason="exit")
    counts = {"prompts": 1, "tool_calls": 4, "tool_errors": 2}
    return Recording("gemini one", "gemini-cli", [_timed(sent) for sent in run.sent], {SESSION: counts}, {SESSION: 1})


def _timed(sent: Sent) -> Sent:
    payload: dict[str, Any] = {**sent.payload, "timestamp": at_text(BEGIN_MS + sent.after_ms)}
    return sent._replace(payload=payload)


GEMINI_CLI = (_one(),)
