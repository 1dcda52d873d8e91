"""Gemini CLI: its events and tools have their own names.

It has no event for a failed tool. The response has an ``error`` if the tool itself failed. A command's exit code is a
line in the text for the model, after the command's output.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.client import Client
from agents.gemini_cli.telemetry import TELEMETRY
from schemas.surrogates import replace_lone

_SHELL = "run_shell_command"
_EXIT_CODE = "Exit Code: "
_CODE = re.compile(r"-?[0-9]{1,10}")


class _Response(Struct, frozen=True):
    error: Raw = Raw(b"null")
    llmContent: Any = None  # noqa: N815 (the client's name)


class _AfterTool(Struct, frozen=True):
    tool_response: _Response = _Response()
    tool_name: Any = None


_decoder = msgspec.json.Decoder(_AfterTool)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def tool_failed(payload: bytes) -> bool:
    """Return whether an AfterTool payload says that the tool or its command failed."""
    try:
        after = _decoder.decode(replace_lone(payload))
    except _ERRORS:  # an unexpected response does not report a failure
        return False
    if bytes(after.tool_response.error) not in (b"null", b"{}", b'""', b"false"):
        return True
    if after.tool_name != _SHELL:
        return False
    content = after.tool_response.llmContent  # a string, a part with a text, or a list of these
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return any(_exit_code(text) != 0 for text in texts if isinstance(text, str))


def _exit_code(text: str) -> int:
    """Return the exit code in the last line that states one; 0 if there is none."""
    _, found, rest = f"\n{text}".rpartition(f"\n{_EXIT_CODE}")
    code = _CODE.match(rest) if found else None
    return int(code[0]) if code else 0


GEMINI_CLI = Client(
    "gemini-cli",
    event_types={
        "BeforeAgent": "UserPromptSubmit",
        "AfterAgent": "Stop",
        "BeforeTool": "PreToolUse",
        "AfterTool": "PostToolUse",
    },
    tools={
        "run_shell_command": "Bash",
        "read_file": "Read",
        "read_many_files": "Read",
        "list_directory": "LS",
        "write_file": "Write",
        "replace": "Edit",
        "glob": "Glob",
        "search_file_content": "Grep",
        "grep_search": "Grep",
        "web_fetch": "WebFetch",
        "google_web_search": "WebSearch",
        "write_todos": "TodoWrite",
    },
    tool_failed=tool_failed,
    telemetry=TELEMETRY,
)
