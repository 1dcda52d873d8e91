"""Work of clients in a running installation, and whether all of it is projected."""

from schemas.permissions import OPERATOR_ORG
from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation

SESSIONS = 6


def work(installation: Installation, model: str) -> None:
    """Let clients work in several sessions of two orgs, until everything is projected and has its price."""
    for n in range(SESSIONS):
        with SessionClient(installation, f"org{n % 2}", model=model) as session:
            session.record(("UserPromptSubmit", {"prompt": f"prompt {n}"}))
            session.use("Bash", {"command": "make"}, f"use{n}")
            session.change(model_metrics={"input_tokens": 1_000_000 * (n + 1)})
            session.end(outcome="success")
            assert session.read("").json()["data"]["model_metrics"]["cost_usd"] > 0


def is_complete(installation: Installation, positions: int = 0) -> bool:
    """Return whether nothing waits, for the rollups either, and so many positions or more have their receipt."""
    with installation.client("operator", OPERATOR_ORG, timeout=60) as http:
        replies = [http.get(f"/api/v1/operator/{name}") for name in ("coverage", "freshness")]
    if not all(reply.is_success for reply in replies):
        return False
    covered, shown = (reply.json()["data"] for reply in replies)
    has_reported = shown["rollups_complete_through"] is not None
    rolled_up = has_reported and all(
        partition["rolled_up"] >= partition["projected"] for partition in shown["partitions"]
    )
    has_all = covered["complete"] and covered["positions"] >= positions
    return has_all and shown["lag_records"] == 0 and rolled_up
