"""Gemini CLI: its own names of events and tools.

It has no event for a failed tool. The response has an ``error`` if the tool itself failed; the exit code of a command
is a line of the text for the model, behind the command's output.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from kernel.surrogates import replace_lone
from schemas.clients.client import Client

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
    """Return whether a payload of AfterTool says that the tool failed, or its command."""
    try:
        after = _decoder.decode(replace_lone(payload))
    except _ERRORS:  # a response of another shape says nothing
        return False
    if bytes(after.tool_response.error) not in (b"null", b"{}", b'""', b"false"):
        return True
    return after.tool_name == _SHELL and any(_exit_code(text) != 0 for text in _texts(after.tool_response.llmContent))


def _texts(content: Any) -> list[str]:
    """Return the texts of a content: a string, a part with a text, or a list of them."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return [text for text in texts if isinstance(text, str)]


def _exit_code(text: str) -> int:
    """Return the exit code that a text names last, at the beginning of a line; 0 if it names none."""
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
)
