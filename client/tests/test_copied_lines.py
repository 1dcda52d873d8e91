"""Session files contain copies of other sessions' lines, and are spread over folders: each line counts once."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook.agents.claude_code.transcript import ClaudeCodeReading, state_at
from crewkit_hook.agents.codex.transcript import CodexReading
from crewkit_hook.importing import files_of, sessions_of
from crewkit_hook.transcripts.past import Session

Json = dict[str, Any]
PARENT, FORK = "01a226ec-bb0a-7781-beea-808ed1cbcb08", "01a226ff-0000-7781-beea-808ed1cbcb08"
OLD_TURN, OWN_TURN = "01a226ec-cccc-7000-8000-000000000001", "01a226ff-cccc-7000-8000-000000000001"


def write(file: Path, lines: Sequence[Json], days_ago: float = 1) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(file, (time.time() - days_ago * 86_400,) * 2)
    return file


def codex_line(kind: str, at: str, **payload: Any) -> Json:
    return {"timestamp": f"2026-11-29T10:{at}Z", "type": kind, "payload": payload}


def record(thread: str, tokens: int) -> Json:
    usage = {"input_tokens": tokens, "output_tokens": 0}
    return codex_line("token_usage_record", "30:00", thread_id=thread, usage=usage)


def count(total: int) -> Json:
    info = {"total_token_usage": {"input_tokens": total, "output_tokens": 0}}
    return codex_line("event_msg", "30:00", type="token_count", info=info)


def prompt(text: str, at: str) -> Json:
    return codex_line("event_msg", at, type="user_message", message=text)


def input_of(path: Path, thread: str) -> int:
    reading = CodexReading(thread)
    reading.advance(str(path))
    return sum(used["input_tokens"] for used in reading.totals().models.values())


def fork_of(*own: Json) -> list[Json]:
    """Return a rollout that begins with its parent's lines."""
    return [
        codex_line("session_meta", "20:00", id=FORK, session_id=FORK, forked_from_id=PARENT, cwd="/work"),
        codex_line("turn_context", "20:00", turn_id=OLD_TURN, model="gpt"),
        prompt("Of the parent", "20:00"),
        record(PARENT, 900),
        count(1_000),
        codex_line("turn_context", "25:00", turn_id=OWN_TURN, model="gpt"),
        prompt("Of the fork", "25:01"),
        *own,
    ]


def test_a_fork_of_codex_counts_its_own(tmp_path: Path) -> None:
    """Each record names its thread; with older clients the lines after the copies count."""
    with_records = write(tmp_path / "rollout-a.jsonl", fork_of(record(FORK, 10), count(1_010)))
    without = [line for line in fork_of(count(1_010)) if line["type"] != "token_usage_record"]

    assert input_of(with_records, FORK) == 10
    assert input_of(write(tmp_path / "rollout-b.jsonl", without), FORK) == 10
    (session,) = sessions_of([with_records])
    assert session is not None
    prompts = [e.payload["prompt"] for e in session.events if e.payload["hook_event_name"] == "UserPromptSubmit"]
    assert prompts == ["Of the fork"]
    assert session.context["parent"] == {"session_id": PARENT, "relation": "fork"}


def test_a_subagent_of_a_later_day_is_of_its_session(tmp_path: Path) -> None:
    """For example after a resume; a subagent of another session or of an earlier day is not."""

    def thread(own_id: str, session_id: str, tokens: int) -> list[Json]:
        return [codex_line("session_meta", "20:00", id=own_id, session_id=session_id), record(own_id, tokens)]

    main = write(tmp_path / "2026" / "11" / "30" / "rollout-a.jsonl", thread("a", "a", 10))
    write(tmp_path / "2026" / "11" / "30" / "rollout-b.jsonl", thread("b", "a", 100))
    write(tmp_path / "2026" / "12" / "01" / "rollout-c.jsonl", thread("c", "a", 1_000))
    write(tmp_path / "2026" / "12" / "01" / "rollout-d.jsonl", thread("d", "other", 7))
    write(tmp_path / "2026" / "11" / "29" / "rollout-e.jsonl", thread("e", "a", 7))

    assert input_of(main, "a") == 1_110


def test_folders_that_are_no_days_are_not_searched(tmp_path: Path) -> None:
    """Rollouts that a user moved may be next to each other."""
    main = [codex_line("session_meta", "20:00", id="a", session_id="a"), record("a", 10)]
    agent = [codex_line("session_meta", "20:00", id="b", session_id="a"), record("b", 100)]
    write(tmp_path / "some" / "where" / "y" / "rollout-b.jsonl", agent)

    assert input_of(write(tmp_path / "some" / "where" / "x" / "rollout-a.jsonl", main), "a") == 10


def test_a_subagent_whose_first_line_is_not_whole_yet_is_found_later(tmp_path: Path) -> None:
    """It may just have begun when the files are read."""
    main = write(tmp_path / "rollout-a.jsonl", [codex_line("session_meta", "20:00", id="a", session_id="a")])
    begun = tmp_path / "rollout-b.jsonl"
    begun.write_text('{"timestamp"')
    assert input_of(main, "a") == 0

    write(begun, [codex_line("session_meta", "20:00", id="b", session_id="a"), record("b", 100)])

    assert input_of(main, "a") == 100


def message(line_id: str, tokens: int, at: str, **more: Any) -> Json:
    used = {"input_tokens": tokens, "output_tokens": 0}
    answer = {"id": f"msg-{line_id}", "model": "claude", "usage": used, "content": []}
    return {"type": "assistant", "uuid": line_id, "timestamp": f"2025-07-01T10:{at}Z", "message": answer, **more}


def asked(line_id: str, text: str, at: str, **more: Any) -> Json:
    content = {"role": "user", "content": text}
    return {"type": "user", "uuid": line_id, "timestamp": f"2025-07-01T10:{at}Z", "message": content, **more}


def shown(session: Session) -> tuple[str, int, int]:
    """Return the session, its prompts, and its tokens."""
    prompts = sum(event.payload["hook_event_name"] == "UserPromptSubmit" for event in session.events)
    tokens = sum(model["input_tokens"] for model in session.reports[-1]["model_metrics"]["models"])
    return session.session_id, prompts, tokens


def test_what_older_clients_copied_counts_once_whatever_is_chosen(tmp_path: Path) -> None:
    """When a session was resumed, they wrote a new file with everything from the previous one."""
    first = [asked("1", "One", "00:00"), message("2", 100, "00:01"), asked("3", "Two", "00:02")]
    write(tmp_path / "a.jsonl", first, days_ago=9)
    later = write(tmp_path / "b.jsonl", [*first, asked("4", "Three", "00:03"), message("5", 7, "00:04")], days_ago=2)

    both = [shown(session) for session in sessions_of(files_of([tmp_path], 0)) if session]
    alone = [shown(session) for session in sessions_of([later]) if session]
    recent = [shown(session) for session in sessions_of(files_of([tmp_path], time.time() - 5 * 86_400)) if session]

    assert both == [("a", 2, 100), ("b", 1, 7)]
    assert alone == recent == [("b", 1, 7)]


def test_subagents_of_older_clients_are_beside_their_session(tmp_path: Path) -> None:
    """They are not sessions."""
    write(tmp_path / "a.jsonl", [asked("1", "One", "00:00"), message("2", 100, "00:01")])
    inner = {"sessionId": "a", "isSidechain": True, "agentId": "x1"}
    write(tmp_path / "agent-x1.jsonl", [asked("3", "Look", "00:02", **inner), message("4", 7, "00:03", **inner)])

    (session,) = (session for session in sessions_of(files_of([tmp_path], 0)) if session)

    assert shown(session) == ("a", 1, 107)
    assert [e.payload["agent_id"] for e in session.events if e.payload["hook_event_name"] == "SubagentStart"] == ["x1"]


def test_an_import_looks_at_each_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds however many sessions share a folder; otherwise an import's time would be quadratic."""
    for n in range(5):
        write(tmp_path / "shop" / f"{n}.jsonl", [asked(f"{n}", "One", "00:00"), message(f"m{n}", 1, "00:01")])
        write(tmp_path / "shop" / f"agent-{n}.jsonl", [message(f"a{n}", 1, "00:01", sessionId=str(n))])
        day = tmp_path / "2026" / "11" / f"{n + 10}"
        write(day / f"rollout-{n}.jsonl", [codex_line("session_meta", "20:00", id=f"{n}"), prompt("One", "20:00")])
    files = files_of([tmp_path], 0)
    looks: list[tuple[Path, str]] = []
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, pattern: looks.append((path, pattern)) or glob(path, pattern))

    assert len([session for session in sessions_of(files) if session]) == 10
    assert len(looks) == len(set(looks)) > 10


def test_a_parent_that_went_on_says_nothing_of_its_fork(tmp_path: Path) -> None:
    """Its totals at the time of the fork count: there were none yet."""
    parent = [message("1", 5, "00:10"), message("2", 5, "00:20")]
    used = {"claude": {"inputTokens": 1_000, "costUSD": 1.0}}
    write(tmp_path / "parent.jsonl", [*parent, {"type": "cost-state", "modelUsage": used}])
    copied = {**parent[0], "requestSessionId": "parent"}
    state = {"type": "cost-state", "modelUsage": {"claude": {"inputTokens": 300, "costUSD": 0.3}}}
    fork = write(tmp_path / "fork.jsonl", [copied, message("3", 300, "00:12"), state])

    reading = ClaudeCodeReading("fork")
    reading.advance(str(fork))

    assert reading.totals().models["claude"]["input_tokens"] == 300
    assert state_at(str(tmp_path / "parent.jsonl"), 1_751_364_100_000) is not None  # a day later


def cost_state(tokens: int) -> Json:
    return {"type": "cost-state", "modelUsage": {"claude": {"inputTokens": tokens, "costUSD": 1.0}}}


def test_a_fork_of_a_fork_subtracts_what_its_parent_had_used(tmp_path: Path) -> None:
    """Its last copies name the parent. A subagent's messages may be read before them."""
    first, second = message("1", 100, "00:10"), message("2", 20, "00:20")
    copies = [{**first, "requestSessionId": "first"}, {**second, "requestSessionId": "second"}]
    write(tmp_path / "first.jsonl", [first, cost_state(100)])
    write(tmp_path / "second.jsonl", [copies[0], second, cost_state(120)])
    write(tmp_path / "fork" / "subagents" / "agent-a.jsonl", [message("4", 4, "00:40", isSidechain=True)])
    reading = ClaudeCodeReading("fork")
    reading.advance(str(write(tmp_path / "fork.jsonl", copies[:1])))

    reading.advance(str(write(tmp_path / "fork.jsonl", [*copies, message("3", 3, "00:30"), cost_state(127)])))

    assert reading.about()["parent"]["session_id"] == "second"
    assert reading.totals().models["claude"]["input_tokens"] == 7


def test_a_fork_that_was_never_answered_used_nothing(tmp_path: Path) -> None:
    """Its state repeats its parent's usage, and no message says when it began."""
    first = message("1", 100, "00:10")
    write(tmp_path / "parent.jsonl", [first, cost_state(100)])
    copied = {**first, "requestSessionId": "parent"}
    fork = write(tmp_path / "fork.jsonl", [copied, asked("2", "Never mind", "00:30"), cost_state(100)])
    reading = ClaudeCodeReading("fork")

    reading.advance(str(fork))

    assert reading.totals().models == {}
