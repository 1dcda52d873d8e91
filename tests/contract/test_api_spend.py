"""API section "GET …/:id/spend", and "prices": where a session's tokens and money went."""

import random
from typing import Any

import httpx
import pytest

from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation

DIVISIONS = ("turn", "model", "agent", "tool", "bucket")
MODELS = ("claude-opus-5-5", "claude-sonnet-4-5-20250929", "who")


def _spend(session: SessionClient, by: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.read("spend", params={"by": by}).json()["data"]
    return found


def _totals(parts: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(part["tokens"] for part in parts), sum(round(part["cost_usd"] * 10**9) for part in parts)


def _events(draw: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Return prompts, requests to models and tool uses over two days, some twice, some without ids."""
    events: list[tuple[str, dict[str, Any]]] = []
    for number in range(80):
        at = f"2026-01-{draw.choice((20, 21))}T{draw.randrange(24):02}:{draw.randrange(60):02}:00Z"
        names = {"agent_id": draw.choice(("a1", "a2"))} if draw.random() < 0.3 else {}
        names |= {"prompt_id": f"p{draw.randrange(4)}"} if draw.random() < 0.5 else {}
        names |= {"request_id": f"r{draw.randrange(60)}"} if draw.random() < 0.8 else {}
        kind = draw.choice(("ApiRequest", "ApiRequest", "UserPromptSubmit", "PreToolUse", "PostToolUse"))
        more: dict[str, Any] = {"tool_name": draw.choice(("Bash", "Read", "Edit")), "tool_use_id": f"t{number % 20}"}
        if kind == "ApiRequest":
            tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_1h_tokens")
            more = {"model": draw.choice(MODELS), **{name: draw.randrange(10**4) for name in tokens}}
            more |= {"cache_creation_tokens": draw.randrange(10**4)}
            more |= {"cost_usd": draw.randrange(10**9) / 10**9} if draw.random() < 0.5 else {}
        if kind == "UserPromptSubmit":
            more = {"prompt": f"Do {number}", **({"source": "system"} if draw.random() < 0.2 else {})}
        events.append((kind, {"at": at, **names, **more}))
    return events


@pytest.mark.parametrize("seed", range(3))
def test_each_list_adds_up_to_what_the_session_cost(installation: Installation, fresh_org: str, seed: int) -> None:
    """While requests explain everything, nothing is unexplained; after a report, the difference is."""
    with SessionClient(installation, fresh_org) as session:
        session.record(*_events(random.Random(seed)))
        measured = session.read("").json()["data"]
        parts = {by: _spend(session, by) for by in DIVISIONS}
        session.change(model_metrics={"model": "claude-opus-5-5", "input_tokens": 10, "cost_usd": 0.5})
        reported = session.read("").json()["data"]
        after = {by: _spend(session, by) for by in DIVISIONS}

    for whole, lists in ((measured, parts), (reported, after)):
        metrics = whole["model_metrics"]
        tokens = sum(metrics[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_creation"))
        expected = tokens, round(metrics["cost_usd"] * 10**9)
        assert {by: _totals(lists[by]) for by in DIVISIONS} == dict.fromkeys(DIVISIONS, expected)
    assert expected == (10, 500_000_000)
    assert not any(part["key"] == "unexplained" for by in DIVISIONS for part in parts[by])
    assert [by for by in DIVISIONS if after[by][-1]["key"] == "unexplained"] == ["turn", "agent", "tool"]
    assert min(part["tokens"] for part in after["bucket"]) < 0


def test_the_parts_of_a_session_have_names_and_times(installation: Installation, fresh_org: str) -> None:
    """A turn is labelled by its prompt and a subagent by its type."""
    with SessionClient(installation, fresh_org, started_at="2026-01-20T10:00:00Z") as session:
        session.record(
            ("UserPromptSubmit", {"prompt": "Retry the upload"}),
            ("SubagentStart", {"agent_id": "a1", "agent_type": "Explore", "at": "2026-01-20T10:31:00Z"}),
            ("ApiRequest", {"model": "m", "input_tokens": 3, "cost_usd": 0.25, "at": "2026-01-20T10:46:00Z"}),
            ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t1", "at": "2026-01-20T10:46:01Z"}),
            ("ApiRequest", {"agent_id": "a1", "model": "n", "input_tokens": 1, "at": "2026-01-20T10:47:00Z"}),
        )
        found = {by: [tuple(part.values()) for part in _spend(session, by)] for by in DIVISIONS}
        prompt = session.read("events").json()["data"][0]
        wrong = session.read("spend", params={"by": "person"})

    assert found == {
        "turn": [(prompt["event_id"], "Retry the upload", "2026-01-20T10:30:00.000Z", 4, 0.25)],
        "model": [("m", None, None, 3, 0.25), ("n", None, None, 1, 0.0)],
        "agent": [
            ("main", None, "2026-01-20T10:00:00.000Z", 3, 0.25),
            ("a1", "Explore", "2026-01-20T10:31:00.000Z", 1, 0.0),
        ],
        "tool": [("Bash", None, None, 3, 0.25), ("no_tool", None, None, 1, 0.0)],
        "bucket": [("2026-01-20T10:45:00.000Z", None, "2026-01-20T10:45:00.000Z", 4, 0.25)],
    }
    assert (wrong.status_code, "by" in wrong.json()["details"]) == (httpx.codes.UNPROCESSABLE_ENTITY, True)


def test_prices_and_what_has_none(installation: Installation, fresh_org: str) -> None:
    """Any reader of an org sees the prices in force, and the models of the org whose tokens cost nothing."""
    with SessionClient(installation, fresh_org) as session:
        usage = {"input_tokens": 5, "output_tokens": 2}
        session.change(model_metrics={"models": [{"model": "who", **usage}, {"model": "claude-opus-5-5", **usage}]})
        session.read("")
    with installation.client("viewer", fresh_org) as viewer:
        found = viewer.get(f"/api/v1/{fresh_org}/prices").json()["data"]

    opus = next(price for price in found["prices"] if price["model"] == "claude-opus-5-5")
    assert opus["source"] == "installation"
    assert opus["from"] < "2026-11"
    assert 0 < opus["cache_read"] < opus["input"] < opus["output"]
    assert found["unpriced"] == [{"model": "who", "sessions": 1, "tokens": 7}]
