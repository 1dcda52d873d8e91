"""The reports of an imported session: its tokens at the time of their messages, and in the end its own totals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crewkit_hook.importing import sessions_of

Line = dict[str, Any]
STATE = "cost-state"


def answer(message_id: str, at: str, tokens: int, model: str = "opus", **more: Any) -> Line:
    message = {"id": message_id, "model": model, "usage": {"input_tokens": tokens}, "content": []}
    return {"type": "assistant", "uuid": f"{message_id} {at}", "timestamp": at, "message": message, **more}


def state(tokens: int, cost: float) -> Line:
    return {"type": STATE, "modelUsage": {"opus": {"inputTokens": tokens, "costUSD": cost}}}


def reports_of(folder: Path, *lines: Line, subagent: tuple[Line, ...] = ()) -> list[tuple[str, Any, bool]]:
    """Return the time, the tokens by model (and the cost, if any) and the completeness of each report."""
    file = folder / "session.jsonl"
    prompt = {"type": "user", "uuid": "u", "timestamp": "2026-01-20T10:00:00Z", "message": {"content": "Go"}}
    file.write_text("".join(json.dumps(line) + "\n" for line in (prompt, *lines)))
    if subagent:
        (folder / "session" / "subagents").mkdir(parents=True)
        text = "".join(json.dumps({**line, "isSidechain": True}) + "\n" for line in subagent)
        (folder / "session" / "subagents" / "agent-1.jsonl").write_text(text)
    (session,) = sessions_of([file])
    assert session is not None
    return [
        (
            report["at"],
            {one["model"]: (one["input_tokens"], one.get("cost_usd")) for one in report["model_metrics"]["models"]},
            not report["incomplete"],
        )
        for report in session.reports
    ]


def test_tokens_belong_to_the_quarter_of_an_hour_of_their_messages(tmp_path: Path) -> None:
    """Each report has the totals so far, at the time of its last message; a subagent's messages are among them."""
    found = reports_of(
        tmp_path,
        answer("m1", "2026-01-20T10:01:00Z", 1),
        answer("m1", "2026-01-20T10:02:00Z", 5),  # the same message, now complete
        answer("m2", "2026-01-20T10:14:59Z", 10),
        answer("m4", "2026-01-21T09:00:00Z", 1_000, model="haiku"),
        subagent=(answer("m3", "2026-01-20T10:15:00Z", 100),),
    )

    assert found == [
        ("2026-01-20T10:14:59.000Z", {"opus": (15, None)}, False),
        ("2026-01-20T10:15:00.000Z", {"opus": (115, None)}, False),
        ("2026-01-21T09:00:00.000Z", {"opus": (115, None), "haiku": (1_000, None)}, False),
    ]


def test_what_the_session_has_beyond_its_messages_belongs_to_the_last_one(tmp_path: Path) -> None:
    """Its own totals are exact, with costs, and cover requests that wrote no message."""
    found = reports_of(
        tmp_path,
        answer("m1", "2026-01-20T10:01:00Z", 5),
        answer("m2", "2026-01-21T11:00:00Z", 10),
        state(tokens=40, cost=0.5),
    )

    assert found == [
        ("2026-01-20T10:01:00.000Z", {"opus": (5, None)}, False),
        ("2026-01-21T11:00:00.000Z", {"opus": (40, 0.5)}, True),
    ]


def test_without_messages_the_totals_belong_to_the_end(tmp_path: Path) -> None:
    """Without totals either, there is no report. A message without a time only counts in the totals."""
    assert reports_of(tmp_path, state(tokens=40, cost=0.5)) == [("2026-01-20T10:00:00.000Z", {"opus": (40, 0.5)}, True)]
    assert reports_of(tmp_path) == []
    assert reports_of(tmp_path, answer("m1", "2026-01-20T10:01:00Z", 5), answer("m2", "", 10)) == [
        ("2026-01-20T10:01:00.000Z", {"opus": (15, None)}, False)
    ]
