"""The hook client's sender: what it takes from the spool arrives once, whatever the server answers."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook import settings as client_settings
from crewkit_hook import spool, taking
from crewkit_hook.prepare import prepare
from crewkit_hook.sender import PAUSE_S_MAX, Sender
from crewkit_hook.settings import Settings
from crewkit_hook.status import status
from crewkit_hook.store import FILE
from crewkit_hook.taking import Taking
from tests.support.fakes.hook_server import HookServer, rejection

NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> str:
    made = str(tmp_path / "home")
    spool.make(made)
    client_settings.save(made, Settings("http://127.0.0.1:1", "acme", "a.b.c", spool_mb=1))
    return made


def put(
    home: str, n: int = 0, at_ms: int = NOW_MS, client: str = "claude-code", process: str = "", **fields: Any
) -> None:
    """Write a file as a hook does."""
    payload = {"session_id": "s", "hook_event_name": "Notification", "n": n, **fields}
    header = {"client": client, "process": process, "folder": "/work/shop"}
    assert spool.put(home, at_ms + n, header, json.dumps(payload).encode())


def drain(sender: Sender) -> None:
    """Take and send everything that is there."""
    while sender.take():
        pass
    while sender.send().items:
        pass


def test_events_arrive_in_the_order_of_their_times(home: str, sender: Sender, server: HookServer) -> None:
    """Each has the time that the hook recorded, and an id."""
    for n in (2, 0, 1):
        put(home, n)

    drain(sender)

    assert server.numbers == [0, 1, 2]
    assert len({hook["id"] for hook in server.hooks}) == 3
    assert server.hooks[0]["at"].endswith("Z")
    assert (spool.waiting(home), sender.store.waiting()) == ([], 0)


def test_each_agent_has_its_own_door(home: str, sender: Sender, server: HookServer) -> None:
    """A batch belongs to one client."""
    for n, client in enumerate(("codex", "codex", "claude-code", "codex")):
        put(home, n, client=client)

    drain(sender)

    assert [(client, len(body["hooks"])) for client, body in server.got] == [
        ("codex", 2),
        ("claude-code", 1),
        ("codex", 1),
    ]


def test_what_is_away_is_waited_for_longer_each_time(home: str, sender: Sender, server: HookServer) -> None:
    """Nothing is lost."""
    put(home)
    server.away = True
    sender.take()

    pauses = [sender.send().again_after_s for _ in range(12)]
    server.away = False
    drain(sender)

    assert pauses[0] <= 2
    assert pauses[0] < pauses[5] <= PAUSE_S_MAX
    assert min(pauses[-3:]) >= PAUSE_S_MAX / 2
    assert max(pauses) <= PAUSE_S_MAX
    assert server.numbers == [0]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408])
def test_what_can_be_mended_is_kept(home: str, sender: Sender, server: HookServer, status: int) -> None:
    """A token, an org or an address may be wrong for now."""
    put(home)
    server.status = status
    sender.take()
    assert str(status) in sender.send().error

    server.status = 202
    drain(sender)

    assert server.numbers == [0]


def test_one_that_spoils_a_batch_is_put_aside_alone(home: str, sender: Sender, server: HookServer) -> None:
    """The others arrive, in order."""
    for n in range(9):
        put(home, n, text="spoiled" if n == 5 else "fine")
    server.poison = "spoiled"

    drain(sender)

    assert server.numbers == [0, 1, 2, 3, 4, 6, 7, 8]
    assert sender.store.waiting() == 0
    assert refused(home) == 1


def test_what_a_reply_rejects_is_put_aside(home: str, sender: Sender, server: HookServer) -> None:
    """The reply names it by its index; it does not count as sent."""
    for n in range(3):
        put(home, n)
    server.rejected = [rejection(1, "invalid_event", "a value is wrong")]

    drain(sender)

    assert (noted(home, "sent"), noted(home, "refused")) == ("2", "1")


FINE = rejection(1, "invalid_hook", "a value is wrong")


@pytest.mark.parametrize(
    "rejected",
    [
        *([{**FINE, "index": index}] for index in (-1, 3, True, "1", 1.0, None, [], 10**30)),
        *([{**FINE, "code": code}] for code in (7, None, [], "invalid_report")),
        *([{**FINE, "error": message}] for message in (7, None, {})),
        *([{}], [7], [None], ["x"], [[]], [FINE, FINE]),
        [{**FINE, "index": 0, "code": "timestamp_out_of_range"}] * 200_000,
    ],
    ids=lambda rejected: str(rejected)[:60],
)
def test_a_reply_that_rejects_what_was_not_sent_is_not_relied_on(
    home: str, sender: Sender, server: HookServer, rejected: list[Any]
) -> None:
    """Nothing is set aside or copied, and everything is sent again later."""
    for n in range(3):
        put(home, n)
    server.rejected = rejected
    sender.take()
    assert "not that of an installation" in sender.send().error
    assert sender.store.waiting() == 3

    server.rejected, server.got = [], []
    drain(sender)

    assert server.numbers == [0, 1, 2]
    assert refused(home) == 0


def test_what_a_server_says_is_stored_and_shown_in_short(home: str, sender: Sender, server: HookServer) -> None:
    """This includes text stored by an earlier version: no terminal escapes, and at most 300 characters."""
    odd = "\x1b[2J\x9b\u202e" + "x" * 15_000_000
    put(home)
    server.rejected = [{**FINE, "index": 0, "error": odd}]
    drain(sender)
    assert sender.store.size() < 1_000_000
    sender.store._db.execute("INSERT INTO refused (client, reason) VALUES ('codex', ?)", (odd,))
    sender.store.note("last_error", odd)

    found = status(home)

    assert (len(found["refusals"]), found["refused"]) == (2, 1)
    for said in (*found["refusals"], found["last_error"]):
        assert said.isprintable()
        assert len(said) == 300


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"session_id": 7, "hook_event_name": "Stop"}', b'{"session_id": "s"}', b"\xff"]
)
def test_what_is_no_payload_is_put_aside(home: str, sender: Sender, server: HookServer, text: bytes) -> None:
    """It blocks nothing."""
    spool.put(home, NOW_MS, {"client": "claude-code"}, text)
    spool.put(home, NOW_MS, {"client": "unknown"}, b'{"session_id": "s", "hook_event_name": "Stop"}')
    put(home, 1)

    drain(sender)

    assert server.numbers == [1]
    assert refused(home) == 2


def test_a_payload_that_no_reader_can_take_stops_no_other(home: str, sender: Sender, server: HookServer) -> None:
    """For example one that is nested deeper than Python can read."""
    deep = b'{"session_id": "s", "hook_event_name": "Stop", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    spool.put(home, NOW_MS, {"client": "claude-code"}, deep)
    put(home, 1)

    drain(sender)

    assert server.numbers[-1] == 1
    assert spool.waiting(home) == []


def test_an_entry_that_can_not_be_read_stays_and_stops_no_other(home: str, sender: Sender, server: HookServer) -> None:
    """It may belong to another user, or not be a file at all."""
    Path(home, spool.NEW, f"{1:013d}-{0:032x}").mkdir()
    put(home, 1)

    drain(sender)

    assert server.numbers == [1]
    assert len(spool.waiting(home)) == 1


@pytest.mark.parametrize("body", ["<html>", {"error": {"code": 7}}])
@pytest.mark.parametrize("status", [400, 405, 407, 413, 422, 451])
def test_a_proxy_that_says_no_costs_nothing(
    home: str, sender: Sender, server: HookServer, status: int, body: Any
) -> None:
    """Only an error of the installation, in its own shape, is about the events."""
    for n in range(3):
        put(home, n)
    server.status, server.body = status, body
    sender.take()
    assert str(status) in sender.send().error

    server.status = 202
    drain(sender)

    assert sorted(server.numbers) == [0, 1, 2]
    assert refused(home) == 0


def test_a_body_that_a_proxy_finds_too_large_is_sent_in_parts(home: str, sender: Sender, server: HookServer) -> None:
    """Some proxies accept only 1 MB."""
    server.bytes_max = 50_000
    for n in range(9):
        put(home, n, text=os.urandom(10_000).hex())

    drain(sender)

    assert server.numbers == list(range(9))


def test_a_time_that_the_installation_refuses_is_left_out(home: str, sender: Sender, server: HookServer) -> None:
    """This machine's clock is wrong; the event counts at the time of its receipt."""
    put(home, 7)
    server.rejected = [rejection(0, "timestamp_out_of_range", "at must be between …")]
    sender.take()
    sender.send()
    server.rejected = []

    drain(sender)

    assert [("at" in hook, hook["payload"]["n"]) for hook in server.hooks] == [(True, 7), (False, 7)]
    assert refused(home) == 0


def test_a_session_without_a_file_ends_too(home: str, sender: Sender, server: HookServer) -> None:
    """An agent that was killed at once has named none."""
    put(home, process="4194305")

    drain(sender)
    sender.look_after()
    drain(sender)

    assert [hook["payload"]["hook_event_name"] for hook in server.hooks] == ["Notification", "SessionEnd"]


def test_a_session_that_was_sensitive_stays_so(home: str, server: HookServer) -> None:
    """This holds even if the agent goes elsewhere, or removes the folder."""
    client_settings.save(home, Settings("http://127.0.0.1:1", "acme", "a.b.c", sensitive_folders=("/work/secret",)))
    for n, folder in enumerate(("/work/shop", "/work/secret/a", "", "/work/shop")):
        payload = {"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": "Question", "n": n}
        header = {"client": "codex", "process": "", **({"folder": folder} if folder else {})}
        spool.put(home, NOW_MS + n, header, json.dumps(payload).encode())
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does

    drain(sender)
    sender.close()

    assert ["prompt" in hook["payload"] for hook in server.hooks] == [True, False, False, False]


def test_metadata_that_is_too_large_is_shortened_as_such(home: str, server: HookServer) -> None:
    """Removed content does not come back."""
    client_settings.save(home, Settings("http://127.0.0.1:1", "acme", "a.b.c", metadata_only=True))
    calls = [{"tool_name": "Bash", "tool_use_id": f"toolu_{n:0200}", "tool_input": "Secret"} for n in range(6_000)]
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    put(home, hook_event_name="PostToolBatch", tool_calls=calls)

    drain(sender)
    sender.close()

    (hook,) = server.hooks
    assert len(json.dumps(hook)) < 2_000_000
    assert "Secret" not in json.dumps(hook)


def test_a_crash_behind_the_transaction_repeats_nothing(
    home: str, sender: Sender, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event counts as taken until its file is gone."""
    put(home)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sender.take()
    assert len(spool.waiting(home)) == 1

    again = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    drain(again)
    again.close()

    assert server.numbers == [0]
    assert spool.waiting(home) == []


def test_a_damaged_file_is_put_aside(home: str, server: HookServer) -> None:
    """A new file begins; the events in the spool are still sent."""
    Path(home, FILE).write_bytes(b"no database " * 1_000)
    put(home)

    begun = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    drain(begun)
    begun.close()

    assert server.numbers == [0]
    assert [path.name for path in Path(home).glob("state.db.damaged-*")]
    assert "damaged" in noted(home, "last_error")


def test_what_is_delivered_leaves_no_bytes_behind(
    home: str, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default SQLite only marks deleted data as free; payloads contain secrets."""

    def careless(*given: Any, **named: Any) -> sqlite3.Connection:
        database = connect(*given, **named)
        database.execute("PRAGMA secure_delete = OFF")
        return database

    connect = sqlite3.connect
    monkeypatch.setattr("crewkit_hook.store.sqlite3.connect", careless)
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    secrets = [os.urandom(2_000).hex() for _ in range(20)]
    for n, secret in enumerate(secrets):
        put(home, n, text=secret)
    sender.take()
    packed = [item[0][50:200] for item in sender.store._db.execute("SELECT item FROM outbox")]
    before = Path(home, FILE).read_bytes()

    drain(sender)

    assert len(server.hooks) == len([part for part in packed if part in before]) == 20
    after = Path(home, FILE).read_bytes()
    assert [part for part in packed if part in after] == []
    assert sender.store._db.execute("PRAGMA secure_delete").fetchone() == (1,)
    sender.close()


def test_a_spool_that_is_full_takes_nothing_until_it_is_sent(home: str, sender: Sender, server: HookServer) -> None:
    """The limit applies to all waiting events, packed or not."""
    server.away = True
    for n in range(3):
        put(home, n, text=os.urandom(400_000).hex())
        sender.take()
    assert not spool.put(home, NOW_MS, {}, b"{}")
    assert spool.dropped(home) == 1

    server.away = False
    drain(sender)
    sender.take()

    assert server.numbers == [0, 1, 2]
    assert spool.put(home, NOW_MS, {}, b"{}")


@pytest.mark.parametrize("at_ms", [0, 900_000_000_000, 4_000_000_000_000], ids=["1970", "1998", "2096"])
def test_a_time_that_can_not_be_is_replaced(home: str, sender: Sender, server: HookServer, at_ms: int) -> None:
    """No installation would accept it, and a wrong clock must not lose the event."""
    put(home, at_ms=at_ms)

    drain(sender)

    assert server.hooks[0]["at"][:4] == time.strftime("%Y", time.gmtime())


def test_a_context_is_sent_when_it_changes(home: str, sender: Sender, server: HookServer) -> None:
    """It is not sent with each event."""
    for n, attended in enumerate(("1", "1", "0")):
        header = {"client": "claude-code", "process": "", "folder": "/work", "attended": attended}
        spool.put(home, NOW_MS + n, header, b'{"session_id": "s", "hook_event_name": "Stop"}')

    drain(sender)

    assert [hook.get("context") for hook in server.hooks] == [{"attended": True}, None, {"attended": False}]


def test_the_same_use_of_a_tool_has_the_same_id(home: str, sender: Sender, server: HookServer) -> None:
    """So a hook that an agent repeats counts once, and so does an import that reads the call later."""
    for n in range(2):
        put(home, n, hook_event_name="PreToolUse", tool_use_id="toolu_1")

    drain(sender)

    assert len({hook["id"] for hook in server.hooks}) == 1


def test_exact_totals_may_come_behind_the_end(home: str, sender: Sender, server: HookServer, tmp_path: Path) -> None:
    """With `/clear` the agent writes them after its hook; the sender looks for them a few times."""
    transcript = tmp_path / "s.jsonl"
    message = {"id": "m", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 5, "output_tokens": 7}}
    line = {"type": "assistant", "timestamp": "2026-01-20T10:00:00Z", "message": message}
    transcript.write_text(json.dumps(line) + "\n")
    put(home, hook_event_name="SessionEnd", reason="clear", transcript_path=str(transcript))
    sender.take()
    used = {"inputTokens": 6, "outputTokens": 9, "costUSD": 0.5}
    with transcript.open("a") as file:
        file.write(json.dumps({"type": "cost-state", "modelUsage": {"claude-sonnet-4-5": used}}) + "\n")

    for _ in range(3):
        sender.look_after()
    drain(sender)

    tokens = [
        (report["model_metrics"]["models"][0]["output_tokens"], report["incomplete"]) for report in server.reports
    ]
    assert tokens == [(7, True), (9, False)]
    assert not sender.store.has_open_sessions()


def test_an_agent_that_is_gone_gets_an_end(home: str, sender: Sender, server: HookServer, tmp_path: Path) -> None:
    """It has the totals of what the agent wrote, marked as incomplete, at the time of its last event."""
    transcript = tmp_path / "s.jsonl"
    usage = {"input_tokens": 5, "output_tokens": 7}
    message = {"id": "m", "model": "claude-sonnet-4-5", "usage": usage}
    transcript.write_text(
        json.dumps({"type": "assistant", "timestamp": "2026-01-20T10:00:00Z", "message": message}) + "\n"
    )
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as agent:
        put(home, process=str(agent.pid), transcript_path=str(transcript))
        drain(sender)
        sender.look_after()
        assert (sender.store.waiting(), sender.store.has_open_sessions()) == (0, True)
        agent.kill()

    sender.look_after()
    sender.look_after()
    drain(sender)

    (end,) = (hook for hook in server.hooks if hook["payload"]["hook_event_name"] == "SessionEnd")
    assert (end["payload"]["reason"], end["at"]) == ("killed", server.hooks[0]["at"])
    (report,) = server.reports
    assert (report["incomplete"], report["model_metrics"]["models"][0]["output_tokens"]) == (True, 7)
    assert not sender.store.has_open_sessions()


def noted(home: str, name: str) -> str:
    found = Sender(home)
    try:
        return found.store.noted(name)
    finally:
        found.close()


def refused(home: str) -> int:
    return int(noted(home, "refused") or 0)


HOSTILE_PATHS = (
    "/dev/zero",
    "/dev/tty",
    "/",
    "",
    "a\0b",
    "x" * 300,
    "/" + "x/" * 3_000,
    "\ud83d",
    "~",
    "/proc/self/mem",
)


@pytest.mark.parametrize("path", HOSTILE_PATHS)
@pytest.mark.parametrize("client", ["claude-code", "codex", "gemini-cli"])
def test_no_transcript_stops_its_event_nor_those_behind_it(
    home: str, sender: Sender, server: HookServer, path: str, client: str
) -> None:
    """An agent may name anything; only the totals are missing."""
    put(home, 0, client=client, hook_event_name="SessionEnd", transcript_path=path)
    put(home, 1, client=client)

    drain(sender)
    sender.look_after()
    drain(sender)

    assert [hook["payload"].get("n") for hook in server.hooks][:2] == [0, 1]
    assert refused(home) == 0


def test_no_folder_stops_its_event_nor_those_behind_it(
    home: str, sender: Sender, server: HookServer, tmp_path: Path
) -> None:
    """Only the remote is missing."""
    for name in ("config", "commondir"):
        git = tmp_path / name / ".git"
        git.mkdir(parents=True)
        (git / name).symlink_to("/dev/zero")
        header = {"client": "codex", "process": "", "folder": str(git.parent), "git": str(git), "head": "0123"}
        spool.put(home, NOW_MS, header, b'{"session_id": "s", "hook_event_name": "Stop", "n": 0}')
    put(home, 1)

    drain(sender)

    assert server.numbers == [0, 0, 1]


def test_what_is_no_file_in_the_spool_stops_no_other(home: str, sender: Sender, server: HookServer) -> None:
    """A pipe would block the sender, a device would fill the memory, a link would send another file."""
    new = Path(home, spool.NEW)
    os.mkfifo(new / f"{1:013d}-{1:032x}")
    for n, target in enumerate(("/dev/zero", "/etc/hostname", "/nowhere"), 2):
        (new / f"{n:013d}-{n:032x}").symlink_to(target)
    put(home, 1)

    drain(sender)

    assert server.numbers == [1]
    assert len(spool.waiting(home)) == 4


def test_an_event_at_which_senders_die_is_put_aside(
    home: str, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It happens at the second death on the same event; the event is counted and saved, and all others arrive."""
    for n in range(6):
        put(home, n, text="deadly" if n in (2, 4) else "fine")
    deadly = [Path(home, spool.NEW, spool.waiting(home)[n]).read_bytes() for n in (2, 4)]

    deaths = 0
    while dies(home, monkeypatch, b"deadly"):
        deaths += 1
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    drain(sender)
    sender.close()

    assert deaths == 4
    assert server.numbers == [0, 1, 3, 5]
    assert spool.waiting(home) == []
    found = status(home)
    assert (found["refused"], found["refusals"]) == (2, ["2 senders died at this event"] * 2)
    assert kept_refused(home) == deadly


def test_senders_that_are_killed_put_no_event_aside(
    home: str, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds for any number of kills, unless the same event is hit twice in a row."""
    for n in range(3):
        put(home, n, text=f"number {n}")
    for n in (0, 1, 2, 1, 0, 2, 0):
        assert dies(home, monkeypatch, b"number %d" % n)
    monkeypatch.undo()
    sender = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does

    drain(sender)
    sender.close()

    assert server.numbers == [0, 1, 2]
    assert refused(home) == 0


@pytest.mark.parametrize("where", ["behind the batch", "in an error"])
def test_only_a_death_at_an_event_is_held_against_it(home: str, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A death while the batch is written does not count, nor one after an error such as a full disk."""
    put(home, text="fine")
    for _ in range(3):
        assert dies(home, monkeypatch, b"fine", where)

    assert Taking(home).culprit == ""
    assert Path(home, taking.FILE).read_bytes().strip(b"\0") == b""
    assert len(spool.waiting(home)) == 1


def dies(home: str, monkeypatch: pytest.MonkeyPatch, at: bytes, where: str = "at the event") -> bool:
    """Return whether a sender dies, as if killed: at an event with a text, or after its batch."""
    clear = Taking.clear

    def deadly(name: str, record: bytes, *rest: Any) -> list[Any]:
        if at not in record:
            return prepare(name, record, *rest)
        if where == "in an error":
            raise sqlite3.OperationalError("no room")
        if where == "behind the batch":
            monkeypatch.setattr(Taking, "clear", lambda self: (clear(self), os._exit(1)))
            return []
        os._exit(1)

    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr("crewkit_hook.sender.prepare", deadly)
            while Sender(home).take():
                pass
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def kept_refused(home: str) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(Path(home, FILE))) as database:
        return [zlib.decompress(packed) for (packed,) in database.execute("SELECT item FROM refused ORDER BY seq")]
