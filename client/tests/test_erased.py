"""What the hook client does once a session is erased: it keeps nothing of it, and never sends it again."""

import json
import os
import re
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook import connect, daemon, delivery, importing, main, spool
from crewkit_hook import settings as client_settings
from crewkit_hook.agents.claude_code.transcript import ClaudeCodeReading
from crewkit_hook.api import Answer
from crewkit_hook.delivery import RefusedItem
from crewkit_hook.sender import Sender
from crewkit_hook.settings import Settings
from crewkit_hook.status import shown, status
from crewkit_hook.store import FILE, Item, Store
from tests.support.fakes.hook_server import HookServer, rejection
from tests.support.waiting import eventually

NOW_MS = time.time_ns() // 1_000_000
GONE, OTHER = "gone-0001", "other-0002"
ERASED = {"erased": True}
NO_PROCESS = "4194305"  # above Linux's highest process id
NEEDLE = os.urandom(16).hex()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    made = str(tmp_path / "home")
    spool.make(made)
    client_settings.save(made, Settings("http://127.0.0.1:1", "acme", "a.b.c"))
    monkeypatch.setenv(spool.HOME_VARIABLE, made)
    monkeypatch.setattr(main, "start_sender", lambda _: None)
    return made


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """Return a session file; its model is a needle."""
    file = tmp_path / "projects" / f"{GONE}.jsonl"
    file.parent.mkdir()
    message = {"id": "m", "model": f"model-{NEEDLE}", "usage": {"input_tokens": 5}, "content": []}
    lines = (
        {"type": "user", "uuid": "u", "timestamp": "2026-01-20T10:00:00Z", "message": {"content": NEEDLE}},
        {"type": "assistant", "uuid": "a", "timestamp": "2026-01-20T10:00:01Z", "message": message},
    )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def put(home: str, session: str, n: int = 0, client: str = "claude-code", process: str = "", **fields: Any) -> None:
    """Write a file as a hook does."""
    payload = {"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": str(n), **fields}
    header = {"client": client, "process": process, "folder": f"/work/{session}"}
    assert spool.put(home, NOW_MS + n, header, json.dumps(payload).encode())


def put_all(home: str, transcript: Path) -> None:
    """Write the events of a session with a needle wherever it has content, the end of a turn, and one of another."""
    put(home, GONE, 0, hook_event_name="SessionStart", session_title=NEEDLE, transcript_path=str(transcript))
    put(home, GONE, 1, process=NO_PROCESS, prompt=NEEDLE, cwd=f"/work/{NEEDLE}")
    put(home, GONE, 2, process=NO_PROCESS, hook_event_name="Stop", last_assistant_message=NEEDLE)
    put(home, OTHER, 3)


def drain(sender: Sender) -> None:
    """Take and send everything that is there."""
    while sender.take():
        pass
    while sender.send().items:
        pass


def places_with(home: str, needle: str) -> set[str]:
    """Return which files of the client hold a text as it is, or compressed: in a row or in what is left of one."""
    return {file.name for file in Path(home).rglob("*") if file.is_file() and needle.encode() in _all_of(file)}


def _all_of(file: Path) -> bytes:
    raw = file.read_bytes()
    return raw + b"".join(_unpacked(raw[found.start() :]) for found in re.finditer(b"\x78[\x01\x5e\x9c\xda]", raw))


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, 1 << 20)
    except zlib.error:
        return b""


def prompts(server: HookServer, session: str) -> list[str]:
    return [hook["payload"]["prompt"] for hook in server.hooks if hook["payload"]["session_id"] == session]


def test_nothing_of_an_erased_session_stays(
    home: str, sender: Sender, server: HookServer, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what was sent, what waited behind it or in the spool, what was refused earlier, nor what was known."""
    monkeypatch.setattr(delivery, "BATCH_ITEMS_MAX", 2)
    put_all(home, transcript)
    sender.take()
    for record in (f'{{"session_id": "{GONE}", "prompt": "{NEEDLE}"', f'{{"session_id":"{GONE}","a":"{NEEDLE}"}}'):
        spool.put(home, NOW_MS, {"client": "claude-code"}, record.encode())  # not JSON, no event
    spool.put(home, NOW_MS, {"client": "claude-code"}, f'{{"session_id": "{OTHER}"'.encode())
    sender.take()
    put(home, GONE, 4, prompt=NEEDLE, transcript_path=str(transcript))
    assert sender.store.waiting() == 5
    assert {FILE, *spool.waiting(home)} == places_with(home, NEEDLE)

    server.erased = {GONE}
    drain(sender)

    assert places_with(home, NEEDLE) == set()
    assert sender.store.session("claude-code", GONE) == ERASED
    assert prompts(server, OTHER) == ["3"]
    assert len(server.hooks) == 3  # two in the first batch, and the other session's
    assert server.reports == []
    found = status(home)
    assert (found["sent"], found["erased"], found["waiting"], len(found["refusals"])) == (1, 5, 0, 1)


def test_nothing_comes_of_its_later_hooks(
    home: str, sender: Sender, server: HookServer, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session file is not read, and its agent's end is not reported."""
    put_all(home, transcript)
    server.erased = {GONE}
    drain(sender)
    arrived = len(server.got)
    monkeypatch.setattr(ClaudeCodeReading, "advance", lambda *_: pytest.fail("a session file is read"))

    put(home, GONE, 5, process=NO_PROCESS, hook_event_name="SessionEnd", transcript_path=str(transcript))
    drain(sender)
    sender.look_after()
    drain(sender)

    assert len(server.got) == arrived
    assert spool.waiting(home) == []
    assert sender.store.session("claude-code", GONE) == ERASED
    assert not sender.store.has_open_sessions()
    assert status(home)["erased"] == 5


def test_other_sessions_stay_as_they_are(home: str, sender: Sender, server: HookServer) -> None:
    """Among them are one of another agent with the same id, and one that mentions the id."""
    put(home, OTHER, 0, tool_input={"session_id": GONE})
    put(home, GONE, 1)
    put(home, GONE, 2, client="codex")
    put(home, OTHER, 3, prompt=GONE)
    sender.take()
    known = sender.store.session("claude-code", OTHER)

    sender.forget({("claude-code", GONE)})
    drain(sender)

    assert prompts(server, OTHER) == ["0", GONE]
    assert [(client, len(body["hooks"])) for client, body in server.got] == [
        ("claude-code", 1),
        ("codex", 1),
        ("claude-code", 1),
    ]
    assert sender.store.session("claude-code", OTHER) == known
    assert sender.store.session("codex", GONE)["last_at"] == NOW_MS + 2


def test_a_report_is_named_by_its_index_among_reports(
    home: str, sender: Sender, server: HookServer, transcript: Path
) -> None:
    """The hook with the same index belongs to another session."""
    put(home, OTHER, 0)
    put(home, GONE, 1, hook_event_name="Stop", transcript_path=str(transcript))
    server.rejected = [rejection(0, "erased_report", "this session was erased")]

    drain(sender)

    assert sender.store.session("claude-code", GONE) == ERASED
    assert sender.store.session("claude-code", OTHER)["last_at"] == NOW_MS
    assert (sender.store.counted("sent"), sender.store.counted("erased")) == (2, 1)


@pytest.mark.parametrize("code", ["invalid_hook", "timestamp_out_of_range"])
def test_what_the_same_reply_refuses_for_another_reason_goes_too(
    home: str, sender: Sender, server: HookServer, code: str
) -> None:
    """It is neither put aside nor sent again."""
    put(home, GONE, 0, prompt=NEEDLE)
    put(home, GONE, 1, prompt=NEEDLE)
    server.rejected = [
        rejection(1, "erased", "this session was erased"),
        rejection(0, code, "a value is wrong"),
    ]
    sender.take()
    sender.send()

    assert sender.store.waiting() == 0
    assert places_with(home, NEEDLE) == set()


def test_each_event_is_counted_once(home: str, sender: Sender, server: HookServer) -> None:
    """This holds even if a batch goes in parts, of which the first one is refused as erased."""
    for n in range(8):
        put(home, GONE, n, text=os.urandom(10_000).hex())
    put(home, OTHER, 8)
    server.bytes_max, server.erased = 50_000, {GONE}
    assert "erased:" not in shown(status(home))

    drain(sender)

    found = status(home)
    assert (found["sent"], found["refused"], found["erased"]) == (1, 0, 8)
    assert "erased:        8 (removed: their sessions are erased or forgotten)" in shown(found)


def test_what_nests_too_deeply_to_be_read_stops_nothing(sender: Sender) -> None:
    """It belongs to no known session: it goes only if it is refused itself."""
    text = b'{"payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    sender.store.put([Item("codex", "hook", text)] * 2)
    first, _ = sender.store.items()

    sender.forget({("codex", GONE)})
    assert sender.store.waiting() == 2

    sender._delivered([first], [RefusedItem(first, "erased", "this session was erased")])
    assert sender.store.waiting() == 1


def test_an_import_leaves_out_an_erased_session(
    home: str, server: HookServer, transcript: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the reply to an import says is remembered, so the next one sends nothing, and neither does a hook."""
    monkeypatch.setattr(importing, "Api", server)
    server.erased = {GONE}

    assert main.main(["import", str(transcript)]) == 0
    assert "Erased at the installation, and so not accepted: 1 of these sessions." in capsys.readouterr().out
    arrived = len(server.got)
    assert main.main(["import", str(transcript)]) == 0

    assert arrived == len(server.got) == 1
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    put(home, GONE, transcript_path=str(transcript))
    drain(sender)
    assert len(server.got) == 1
    assert sender.store.session("claude-code", GONE) == ERASED
    sender.close()


def test_a_session_is_forgotten_by_hand(
    home: str, server: HookServer, transcript: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits is removed, from the spool too, also while a sender runs; nothing of the session is ever sent."""
    send = Path(daemon.__file__).with_name("send.py")
    put_all(home, transcript)
    with subprocess.Popen([sys.executable, "-I", "-S", send], env={spool.HOME_VARIABLE: home}) as running:
        eventually(lambda: spool.sender(home) == running.pid and not spool.waiting(home))
        put(home, GONE, 4, prompt=NEEDLE)

        assert main.main(["forget", GONE]) == 0

        assert running.wait(10) != 0
    assert capsys.readouterr().out.startswith("5 events and reports that were waiting were removed")
    assert places_with(home, NEEDLE) == set()
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    put(home, GONE, 6)
    drain(sender)
    assert prompts(server, GONE) == []
    assert prompts(server, OTHER) == ["3"]
    sender.close()


def test_a_damaged_file_is_named(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It may hold events of the session, and can't be searched."""
    Path(home, f"{FILE}.damaged-1").touch()

    assert main.main(["forget", GONE]) == 0

    assert f"{FILE}.damaged-1 may have more of it" in capsys.readouterr().out
    assert Store(home).session("gemini-cli", GONE) == ERASED


class Receipts(HookServer):
    """Has a receipt for each position."""

    def receipt(self, _: str) -> Answer:
        return Answer(200, {}, "")


def test_a_machine_can_be_connected_when_its_test_session_is_erased() -> None:
    """The test event then belongs to a new session."""
    server = Receipts()
    server.erased = {f"connection-test:{os.uname().nodename}"}

    assert connect._test(server) == "0:1"  # type: ignore[arg-type]  # it answers as the API does

    first, second = ({hook["payload"]["session_id"] for hook in body["hooks"]} for _, body in server.got)
    assert (len(first), len(second)) == (1, 1)
    assert first == server.erased != second


def test_connecting_to_an_erased_org_says_so() -> None:
    """There is no receipt to wait for."""
    server = Receipts()
    server.rejected = [rejection(0, "erased", "this org was erased")]

    with pytest.raises(connect.Failed, match="did not accept a test event: this org was erased"):
        connect._test(server)  # type: ignore[arg-type]  # it answers as the API does
