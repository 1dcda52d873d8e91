"""schemathesis against the running service: requests that the document allows or forbids behave as documented."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import CHECKOUT
from tests.support.rigs.installation import Installation

PROGRAM = [sys.executable, "-m", "schemathesis.cli"]
OPTIONS = ["--continue-on-failure", "--no-color"]
LIMIT_S = 900  # coverage takes one to two minutes on an idle machine, the other phases half a minute

# All checks of schemathesis run. Two headers are fixed:
# `X-Wait-For-Position` exists: for any other position, a read waits 10 s (test_read_your_write tests those).
# `Content-Encoding` is identity: schemathesis would send an encoding without using it (see test_write_bad_input).
# `positive_data_acceptance` runs inside our own check, which knows the rules that a schema cannot express.
CONFIGURATION = """
seed = 20260120
request-timeout = 60
hooks = "tests.support.clients.schemathesis_rules"

[headers]
Authorization = "Bearer {token}"

[parameters]
"path.org_id" = "{org}"
"path.session_id" = "{session}"
"path.position" = "{position}"
"header.X-Wait-For-Position" = "{position}"
"header.Content-Encoding" = "identity"

[checks]
positive_data_acceptance.enabled = false

[generation]
max-examples = 6

[[operations]]
include-tag = "Operator"
headers = {{ Authorization = "Bearer {operator}" }}
"""


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize(
    "phases", ["examples,fuzzing,stateful", pytest.param("coverage", marks=pytest.mark.part("fuzz"))]
)
def test_schemathesis_finds_nothing(phases: str, installation: Installation, fresh_org: str, tmp_path: Path) -> None:
    """Requests come from an admin, for operator routes from an operator, and use an existing session.

    Fuzzing draws a few values of each parameter and body; coverage takes each boundary of each schema in turn.
    """
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_configuration(installation, fresh_org))

    document = f"{installation.url}/schema/openapi.json"
    found = subprocess.run(
        [*PROGRAM, "--config-file", str(configuration), "run", *OPTIONS, "--phases", phases, document],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )

    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]


def _configuration(installation: Installation, org: str) -> str:
    with installation.client(org=org) as client:
        reply = client.post(f"/api/v1/{org}/sessions", json={})
        assert reply.status_code == 201, reply.text
    return CONFIGURATION.format(
        token=installation.command("token", "--org", org, "--user", "alice", "--role", "admin").stdout.strip(),
        operator=installation.command("token", "--operator").stdout.strip(),
        org=org,
        session=reply.json()["data"]["id"],
        position=reply.json()["meta"]["position"],
    )
