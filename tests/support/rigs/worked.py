"""Clients' work in a running installation, and a check that all of it is projected."""

from typing import Any

from schemas.permissions import OPERATOR_ORG
from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation

SESSIONS = 6


def work(installation: Installation, model: str) -> None:
    """Let clients work in several sessions of two orgs, until everything is projected and priced."""
    for n in range(SESSIONS):
        with SessionClient(installation, f"org{n % 2}", model=model) as session:
            session.record(("UserPromptSubmit", {"prompt": f"prompt {n}"}))
            session.use("Bash", {"command": "make"}, f"use{n}")
            session.change(model_metrics={"input_tokens": 1_000_000 * (n + 1)})
            session.end(outcome="success")
            assert session.read("").json()["data"]["model_metrics"]["cost_usd"] > 0


def is_complete(installation: Installation, positions: int = 0) -> bool:
    """Return whether nothing waits, not even for the rollups, and at least this many positions have their receipt."""
    with installation.client("operator", OPERATOR_ORG, timeout=60) as http:
        fresh = http.get("/api/v1/operator/freshness")
        if not fresh.is_success or not _is_rolled_up(fresh.json()["data"]):
            return False
        covered = http.get("/api/v1/operator/coverage")
    found = covered.json()["data"] if covered.is_success else {"complete": False}
    return bool(found["complete"] and found["positions"] >= positions)


def _is_rolled_up(shown: dict[str, Any]) -> bool:
    """Return whether no record waits for a projector, or for the rollups."""
    has_reported = shown["rollups_complete_through"] is not None and shown["lag_records"] == 0
    return has_reported and all(one["rolled_up"] >= one["projected"] for one in shown["partitions"])
