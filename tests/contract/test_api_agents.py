"""Hooks as coding agents send them: reads show the numbers that the counting rules require."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.clients.recorded import RECORDINGS, Recording, batches_of, singles_of
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

BEGIN_MS = 1_768_903_200_000  # 2026-01-20T10:00:00Z
ONE_OF_EACH_AGENT = ("claude long", "codex one", "gemini one")


@pytest.mark.parametrize("recording", [RECORDINGS[name] for name in ONE_OF_EACH_AGENT], ids=ONE_OF_EACH_AGENT)
def test_single_payloads_count_as_the_rules_say(
    recording: Recording, installation: Installation, fresh_org: str
) -> None:
    """Single payloads have no time of their own; a copy within the minute is the same event."""
    _send(installation, fresh_org, recording, [payload for payload in singles_of(recording) for _ in range(2)], 204)

    _check(installation, fresh_org, recording)


@pytest.mark.parametrize("recording", RECORDINGS.values(), ids=list(RECORDINGS))
def test_batches_count_the_same_in_whichever_pieces_they_come(
    recording: Recording, installation: Installation, fresh_org: str
) -> None:
    """Each hook has an id, so it may be sent again in another batch, and batches may overlap."""
    bodies = [
        *batches_of(recording, BEGIN_MS, 7),
        *batches_of(recording, BEGIN_MS),
        *batches_of(recording, BEGIN_MS, 3),
    ]
    _send(installation, fresh_org, recording, bodies, 202)

    _check(installation, fresh_org, recording)


def test_what_may_be_missing_is_said_until_the_rest_comes(installation: Installation, fresh_org: str) -> None:
    """Measured requests take precedence over an incomplete report that has fewer tokens."""
    used = {"model": "claude-sonnet-4-5", "output_tokens": 7}
    request = {"session_id": "s", "hook_event_name": "ApiRequest", **used}
    steps = (
        ({"reports": [_report("2026-01-20T10:00:00Z", 5, incomplete=True)]}, (5, True)),
        ({"hooks": [{"id": str(uuid4()), "payload": request}]}, (7, None)),
        ({"reports": [_report("2026-01-20T10:00:01Z", 9, incomplete=True)]}, (9, True)),
        ({"reports": [_report("2026-01-20T10:00:02Z", 9)]}, (9, None)),
        ({"reports": [_report("2026-01-20T10:00:03Z", 6)]}, (6, None)),
    )
    for body, expected in steps:
        with installation.client("agent", fresh_org, "alice") as agent:
            sent = agent.post(f"/api/v1/{fresh_org}/hooks/claude-code", json=body)
        with installation.client("admin", fresh_org) as http:
            shown = eventually(lambda at=sent: _find(http, fresh_org, "claude-code:s", at.headers["X-Log-Position"]))

        assert (shown["model_metrics"]["output_tokens"], shown["usage"].get("incomplete")) == expected


def _report(at: str, tokens: int, **more: Any) -> dict[str, Any]:
    models = [{"model": "claude-sonnet-4-5", "output_tokens": tokens}]
    return {"session_id": "s", "at": at, "model_metrics": {"models": models}, **more}


def _send(installation: Installation, org: str, recording: Recording, bodies: Iterable[Any], status: int) -> None:
    with installation.client("agent", org, "alice") as http:
        for body in bodies:
            reply = http.post(f"/api/v1/{org}/hooks/{recording.client}", json=body)
            assert reply.status_code == status, reply.text
        positions = reply.headers["X-Log-Position"]
    with installation.client("admin", org) as http:
        headers = {"X-Wait-For-Position": positions}
        eventually(lambda: http.get(f"/api/v1/{org}/sessions", headers=headers).status_code == httpx.codes.OK)


def _check(installation: Installation, org: str, recording: Recording) -> None:
    with installation.client("admin", org) as http:
        for session, counts in recording.counts.items():
            shown = eventually(lambda session=session: _find(http, org, f"{recording.client}:{session}"))
            assert {name: shown["counts"][name] for name in counts} == counts
            assert (shown["client"], shown["user_id"]) == (recording.client, "alice")
            assert shown["status"] == ("ended" if recording.spans[session] else "active")
        statuses = {node["id"]: node["status"] for node in _tools(http, org)}
    assert {name for name, status in statuses.items() if status == "cancelled"} == {*recording.open_tools}
    assert {name for name, status in statuses.items() if status == "denied"} == {*recording.denied_tools}


def _find(http: httpx.Client, org: str, external_id: str, position: str = "") -> dict[str, Any] | None:
    headers = {"X-Wait-For-Position": position} if position else {}
    reply = http.get(f"/api/v1/{org}/sessions", params={"external_id": external_id}, headers=headers)
    found = reply.json()["data"] if reply.is_success else []
    return found[0] if found else None


def _tools(http: httpx.Client, org: str) -> Iterator[dict[str, Any]]:
    for session in http.get(f"/api/v1/{org}/sessions").json()["data"]:
        reply = http.get(f"/api/v1/{org}/sessions/{session['id']}/hierarchy", params={"include": "tools"})
        for conversation in reply.json()["data"]["run"]["conversations"]:
            yield from _nodes(conversation["tasks"])


def _nodes(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in tasks:
        yield node
        yield from _nodes(node["children"])
