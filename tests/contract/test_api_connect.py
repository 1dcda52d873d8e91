"""API section "Command line": the settings that `connect` prints open the agent endpoints, and nothing else."""

import json
import re
import time
from typing import Any

import httpx
import jwt

from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

PAYLOAD = {"hook_event_name": "UserPromptSubmit", "session_id": "s-1", "prompt": "hello"}


def connected(installation: Installation, org: str) -> dict[str, Any]:
    """Return a user's settings for Claude Code."""
    printed = installation.command("connect", "--org", org, "--user", "mia", "--json")
    assert printed.returncode == 0, printed.stderr
    settings: dict[str, Any] = json.loads(json.loads(printed.stdout)["files"][0]["text"])
    return settings


def test_what_is_printed_connects_an_agent(installation: Installation, fresh_org: str) -> None:
    """A hook sent with these settings becomes a session of the user; the token lives for a year and can't read."""
    settings = connected(installation, fresh_org)
    hook = settings["hooks"]["UserPromptSubmit"][0]["hooks"][0]
    token = settings["env"]["CREWKIT_TOKEN"]
    headers = {"Authorization": re.sub(r"\$CREWKIT_TOKEN", token, hook["headers"]["Authorization"])}

    sent = httpx.post(hook["url"], json=PAYLOAD, headers=headers)
    read = httpx.get(f"{installation.url}/api/v1/{fresh_org}/sessions", headers=headers)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert (sent.status_code, sent.content, read.status_code) == (204, b"", 403)
    assert (claims["role"], claims["sub"], claims["org_id"]) == ("agent", "mia", fresh_org)
    assert 364 * 86_400 < claims["exp"] - time.time() <= 365 * 86_400
    with installation.client("member", fresh_org, "mia") as mia:
        asked = {"external_id": "claude-code:s-1"}
        eventually(lambda: bool(mia.get(f"/api/v1/{fresh_org}/sessions", params=asked).json()["data"]))
