"""Records what an agent left on its machine: the hooks in the spool, and its session files, shortened.

`make clients RECORD=1` writes the recordings; tests/unit/test_hook_recorded_runs.py replays them.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from crewkit_hook import spool

from tests.support import CHECKOUT

FOLDER = Path(__file__).parents[1] / "corpora" / "runs"
HOME = "/home/mia"
TEXT_MAX = 200
LINE_MAX = 6_000  # longer lines contain instructions and descriptions of tools
SESSION_FILES = (".claude/projects/*/**/*.jsonl", ".codex/sessions/**/*.jsonl", ".gemini/tmp/*/chats/*.jsonl")
NO_PROCESS = 4_194_305  # above Linux's highest process id
_PROJECT = re.compile(r"\.(claude/projects|gemini/tmp)/[^/\"]+/")
Json = dict[str, Any]


class RunRecorder:
    """Stops the sender while an agent works, so that all hooks stay in the spool."""

    def __init__(self, home: Path) -> None:
        self._home, self._own = home, home / ".crewkit-hook"
        self._hooks: list[Json] = []
        self._lock: int | None = None

    def hold(self) -> None:
        """Let no sender start."""
        if self._lock is None:
            self._lock = spool.lock_sender(str(self._own))

    def release(self) -> bool:
        """Record the contents of the spool, and let the sender start; return whether it was stopped."""
        if self._lock is None:
            return False
        self._hooks = [self._hook(name) for name in spool.waiting(str(self._own))]
        os.close(self._lock)
        self._lock = None
        return True

    def save(self, name: str, sessions: list[Json]) -> None:
        """Save the recording, with the installation's final view of it."""
        lines: list[Json] = [{"hook": hook} for hook in self._hooks]
        for file in self._files():
            small = (self._small(json.loads(line)) for line in file.read_text().splitlines())
            lines += [{"file": str(file), "line": line} for line in small if len(json.dumps(line)) <= LINE_MAX]
        lines += [{"file": str(file), "text": file.read_text()} for file in self._home.glob("*/.git/config")]
        lines += [{"session": _expected(session)} for session in sessions]
        FOLDER.mkdir(exist_ok=True)
        text = "".join(json.dumps(self._small(line), ensure_ascii=False) + "\n" for line in lines)
        processes = sorted({str(hook["header"]["process"]) for hook in self._hooks}, key=int)
        for number, process in enumerate(processes):
            text = re.sub(rf'("(?:process|pid)": )("?){process}("?)', rf"\g<1>\g<2>{NO_PROCESS + number}\g<3>", text)
        (FOLDER / f"{name}.jsonl").write_text(text)

    def _hook(self, name: str) -> Json:
        line, _, raw = (self._own / spool.NEW / name).read_bytes().partition(b"\n")
        at_ms = int(name.partition("-")[0])
        return {"at_ms": at_ms, "header": spool.decode(line), "payload": json.loads(raw)}

    def _files(self) -> list[Path]:
        return sorted(file for pattern in SESSION_FILES for file in self._home.glob(pattern))

    def _small(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._small(name): self._small(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._small(inner) for inner in value]
        if not isinstance(value, str):
            return value
        text = self._small_path(value)
        return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"

    def _small_path(self, path: Path | str) -> str:
        text = str(path).replace(str(self._home), HOME).replace(str(CHECKOUT), "/opt/crewkit-sessions")
        return _PROJECT.sub(r".\1/work/", text)


def _expected(session: Json) -> Json:
    names = ("external_id", "status", "trigger", "relation", "repo", "branch", "client_version", "summary")
    counts = {name: count for name, count in session["counts"].items() if name != "events"}
    incomplete = session["usage"].get("incomplete", False)
    return {
        **{name: session[name] for name in names},
        "counts": counts,
        "models": session["models"],
        "incomplete": incomplete,
    }
