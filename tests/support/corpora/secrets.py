"""Hundreds of made-up secrets as users and tools write them, each in several payloads that coding agents send.

They are assembled from parts and a seed, so that no file of the repository contains anything that looks like a
secret. The corpus includes each canary of `tests.support.corpora.canaries`, so a new rule is measured at once.
"""

import json
import textwrap
from base64 import b64encode
from random import Random
from string import ascii_letters, ascii_lowercase, digits

from tests.support.corpora import shapes
from tests.support.corpora.canaries import CANARIES
from tests.support.corpora.shapes import Secret

_random = Random(20)
_WORDS = "osprey lantern gravel teapot walnut sextant juniper harbor meadow quartz".split()


def _word() -> str:
    """Return a password as for a developer's database: no digit, no special character."""
    return _random.choice(_WORDS) + _random.choice(_WORDS)


def _mixed(length: int = 14) -> str:
    """Return a password as from a password manager, without characters that end a word."""
    rest = "".join(_random.choices(ascii_letters + digits, k=length - 3))
    return _random.choice(ascii_lowercase) + rest + _random.choice(digits) + _random.choice(ascii_lowercase)


def _signs() -> str:
    """Return a password with characters that are special in URLs and shells."""
    return f"{_word()[:5]}@{_mixed(4)}/{_mixed(4)}#{_mixed(5)}?"


def _basic() -> str:
    return b64encode(f"{_word()}:{_mixed()}".encode()).decode()


_MAKERS = {"word": _word, "mixed": _mixed, "long": lambda: _mixed(32), "signs": _signs, "basic": _basic}

_LINES = (shapes.FOLDER / "secrets.txt").read_text("utf-8")
# Secrets that docs/privacy.md documents as not found, with the reason. They are measured, but not counted.
_OUT_OF_SCOPE = """
sentence: <word>: the password is §, keep it safe
in base64: <basic>: client-key-data: §
in pieces: <mixed>: part one of the key is §
"""


def _secrets(lines: str) -> tuple[Secret, ...]:
    return tuple(shapes.secrets(lines, lambda name: _MAKERS[name](), str))


SHAPES = _secrets(_LINES)
VENDORS = tuple(Secret(f"canary {canary.rule}", canary.secret, canary.text) for canary in CANARIES)
OUT_OF_SCOPE = _secrets(_OUT_OF_SCOPE)
CORPUS = SHAPES + VENDORS

_BASE = {"session_id": "b41b3855-1aab-4030-b3c8-6040cdeb2ef0", "cwd": "/home/alice/shop", "permission_mode": "default"}


def payloads(text: str) -> dict[str, bytes]:
    """Return the text in each kind of payload, by its name."""
    return {name: json.dumps({**_BASE, **payload}).encode() for name, payload in _payloads(text).items()}


def _payloads(text: str) -> dict[str, dict[str, object]]:
    log = f"2026-11-25T17:49:12Z INFO starting worker pid=4211\n{text}\n2026-11-25T17:49:13Z INFO done in 812 ms\n"
    asked = f"It fails on staging, this is what I use:\n\n{text}\n\nWhy?"
    written = {"file_path": "/srv/x", "content": text + "\n"}
    return {
        "output": _used("Bash", {"stdout": log, "stderr": "", "interrupted": False}, tool_input={"command": "make"}),
        "command": _called("Bash", {"command": text, "description": "Run"}),
        "write": _called("Write", written),
        "prompt": {"hook_event_name": "UserPromptSubmit", "prompt": asked},
        "patch": _used("Edit", {"structuredPatch": [_hunk(text)]}),
        "nested": _used("mcp__vault__read", _twice_encoded(text)),
        "read": _used("Read", {"type": "text", "file": {"filePath": "/srv/x", "content": textwrap.dedent(text)}}),
    }


def _called(tool: str, tool_input: dict[str, str]) -> dict[str, object]:
    return {"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": tool_input}


def _used(tool: str, response: object, **more: object) -> dict[str, object]:
    return {"hook_event_name": "PostToolUse", "tool_name": tool, "tool_response": response, **more}


def _hunk(text: str) -> dict[str, object]:
    """Make the text added lines of a patch, between unchanged lines."""
    lines = [" # end of the part before", *("+" + line for line in text.split("\n")), " # more"]
    return {"oldStart": 3, "oldLines": 2, "newStart": 3, "newLines": len(lines), "lines": lines}


def _twice_encoded(text: str) -> str:
    """Put the text into a JSON string inside a JSON string, as tools of other servers respond."""
    return json.dumps({"content": [{"type": "text", "text": json.dumps({"result": text, "ok": True})}]})
