"""A past price changes numbers: it is rolled out by replay."""

from pathlib import Path

from tests.support.clients.sending import Org
from tests.support.rigs.installation import Installation
from tests.support.rigs.operator import Operator, shown_by
from tests.support.waiting import eventually

PRICES = """
[[price]]
model = "unpriced-1"
from = 2026-01-01
input = 1.00
output = 2.00
"""


def test_a_price_of_the_past_is_rolled_out_by_replay_proof_and_switch(
    upgraded: Installation, fresh_org: str, tmp_path: Path
) -> None:
    """It counts only in a new generation; the proof names the sessions whose cost it changes."""
    org, operator = Org(upgraded, fresh_org), Operator(upgraded)
    unpriced = org.create(model="unpriced-1")["id"]
    reported = org.create(model="unpriced-1")["id"]
    tokens = {"input_tokens": 1_000_000, "output_tokens": 500_000}
    org.write("PATCH", f"sessions/{unpriced}", {"model_metrics": tokens})
    org.write("PATCH", f"sessions/{reported}", {"model_metrics": {**tokens, "cost_usd": 7.0}})
    assert _cost(org, unpriced) == 0
    (tmp_path / "prices.toml").write_text(PRICES)

    loaded = upgraded.command("prices", "load", str(tmp_path / "prices.toml"), "--new-generations-only")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    live, new = shown_by(upgraded), operator.next_name()
    operator.do("replay", new)
    operator.do("prove", new)

    differences = operator.proof(new)["differences"]
    places = {(d["table"], d["key"].get("session_id")) for d in differences}
    assert places == {("sessions", unpriced), ("amounts", unpriced)}
    assert {d["column"] for d in differences} == {"cost_nano", "models"}
    assert [(d["live"], d["proved"]) for d in differences if d["column"] == "cost_nano"] == [(0, 2_000_000_000)]
    operator.do("switch", new, accept_differences=True)
    assert eventually(lambda: shown_by(upgraded) == new)
    assert _cost(org, unpriced) == 2.0
    assert _cost(org, reported) == 7.0
    operator.request("drop", live)


def _cost(org: Org, session_id: str) -> float:
    cost: float = org.data(f"sessions/{session_id}")["model_metrics"]["cost_usd"]
    return cost
