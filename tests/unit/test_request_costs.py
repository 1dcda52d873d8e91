"""Which turn and which tools a request to a model belongs to."""

from typing import Any
from uuid import UUID

import pytest

from prices.price_list import PriceList
from query_api.sessions.request_costs import RequestCosts, SpendFact
from schemas.log.price import Price
from schemas.store.rows import Usage

PRICES = PriceList([Price("m", 0, *[300_000] * 5)])  # 0.3 nano-dollars a token
NAMES = dict.fromkeys(("tool_name", "tool_use_id", "agent_id", "model", "label", "prompt_id", "request_id"), "")


class Session:
    """Rows in the order of the log; each is a second later than the one before, unless its time is given."""

    def __init__(self) -> None:
        self.rows: list[SpendFact] = []

    def add(self, event_type: str, at: int | None = None, **names: Any) -> None:
        place = len(self.rows)
        at_ms = 1_000 * (place if at is None else at)
        more: dict[str, Any] = {"by_telemetry": False, "by_machine": False, "usage": NOTHING, "calls": [], **names}
        self.rows.append(SpendFact(**{**NAMES, **more}, **_place(place, at_ms), event_type=event_type))

    def request(self, request_id: str, tokens: int, cost: int | None = None, **names: Any) -> None:
        usage = Usage(request_id, tokens, 0, 0, 0, 0, cost)
        self.add("ApiRequest", request_id=request_id, usage=usage, **{"model": "m", **names})

    def _costs(self) -> RequestCosts:
        costs = RequestCosts(PRICES)
        costs.take(self.rows)
        return costs

    def turns(self) -> list[tuple[str, str | None, int, int]]:
        found = self._costs().by_turn()
        return [(turn.key[-1:], turn.label, turn.tokens, turn.cost_nano) for turn in found]

    def tools(self) -> dict[str, tuple[int, int]]:
        found = self._costs().by_tool()
        return {tool.key: (tool.tokens, tool.cost_nano) for tool in found}


NOTHING = Usage("", 0, 0, 0, 0, 0, None)


def _place(place: int, at_ms: int) -> dict[str, Any]:
    return {"place": place, "event_id": UUID(int=place), "at_ms": at_ms, "received_ms": at_ms}


def test_a_request_belongs_to_the_prompt_that_it_names_else_to_the_last_one_before_it() -> None:
    """Prompts of subagents and of the client begin no turn."""
    session = Session()
    session.request("r0", 1)
    session.add("UserPromptSubmit", prompt_id="p1", label="first")
    session.add("UserPromptSubmit", label="second")
    session.add("UserPromptSubmit", agent_id="a", label="to an agent")
    session.add("UserPromptSubmit", by_machine=True, prompt_id="p2", label="by the client")
    session.request("late", 10, prompt_id="p1")
    session.request("by time", 100)
    session.request("of the client's prompt", 1_000, prompt_id="p2")
    session.request("earlier", 10_000, at=1)

    assert session.turns() == [("n", None, 1, 0), ("1", "first", 10_010, 3_003), ("2", "second", 1_100, 330)]


def test_hooks_and_telemetry_report_one_prompt() -> None:
    """By its id, if both have it. Hooks decide whether a user typed it."""
    session = Session()
    session.add("UserPromptSubmit", prompt_id="p", by_telemetry=True)
    session.add("UserPromptSubmit", prompt_id="p", label="asked")
    session.add("UserPromptSubmit", prompt_id="q", label="done", by_machine=True)
    session.add("UserPromptSubmit", prompt_id="q", by_telemetry=True)
    session.request("one", 10, prompt_id="p")
    session.request("two", 10, prompt_id="q")

    assert session.turns() == [("1", "asked", 20, 6)]


@pytest.mark.parametrize("who_knows", ["hooks", "telemetry", "neither"])
def test_if_not_both_know_the_ids_prompts_are_joined_in_order(who_knows: str) -> None:
    """The texts are from hooks."""
    session = Session()
    for number in range(2):
        ids = {who: {"prompt_id": f"p{number}"} if who == who_knows else {} for who in ("hooks", "telemetry")}
        session.add("UserPromptSubmit", label=f"asked {number}", **ids["hooks"])
        session.add("UserPromptSubmit", by_telemetry=True, **ids["telemetry"])
        session.request(f"r{number}", 10, prompt_id=f"p{number}")

    assert session.turns() == [("0", "asked 0", 10, 3), ("3", "asked 1", 10, 3)]


def test_tools_share_a_request_equally_and_the_first_takes_the_remainder() -> None:
    """A request counts once, and for each tool once however often it called it."""
    session = Session()
    session.request("r", 10, cost=11)
    for tool, use in (("Read", "1"), ("Bash", "2"), ("Read", "3"), ("Edit", "4")):
        session.add("PreToolUse", tool_name=tool, tool_use_id=use)
    session.request("r", 10, cost=11)
    session.request("answer", 5, cost=7)

    assert session.tools() == {"no_tool": (5, 7), "Read": (4, 5), "Bash": (3, 3), "Edit": (3, 3)}


def test_a_tool_use_belongs_to_the_request_that_it_names_else_to_its_agents_last_one() -> None:
    """Another event of the same use may name it. Batches and uses without an id count as well."""
    session = Session()
    session.request("r1", 1)
    session.request("r2", 10)
    session.request("r3", 100, agent_id="a")
    session.add("PreToolUse", tool_name="Named", tool_use_id="1")
    session.add("PostToolUse", tool_name="Named", tool_use_id="1", request_id="r1")
    session.add("PostToolUse", tool_name="Bare")
    session.add("PreToolUse", tool_name="OfAgent", agent_id="a", request_id="unknown")
    session.add("PreToolUse", tool_name="OfNobody", agent_id="b")
    session.request("r4", 1_000)
    session.add("PostToolBatch", calls=[("2", "Batched", "error")])
    session.add("PostToolUse", tool_name="Late", tool_use_id="3")
    session.add("PreToolUse", tool_name="Late", tool_use_id="3", at=1)

    assert {name: tokens for name, (tokens, _) in session.tools().items()} == {
        "Named": 1,
        "Bare": 5,
        "Late": 5,
        "OfAgent": 100,
        "Batched": 1_000,
    }


def test_costs_add_up_to_what_their_sum_costs() -> None:
    """Three requests of one token at 0.3 nano-dollars and four more: none of it is lost, and a given cost is exact."""
    session = Session()
    for number in range(9):
        more = {7: {"cost": 5}, 8: {"model": "who"}}.get(number, {})
        session.request(f"r{number}", 1, **more)  # type: ignore[arg-type]  # by name
        session.add("PreToolUse", tool_name=f"T{number}", tool_use_id=str(number))

    assert [session.tools()[f"T{number}"][1] for number in range(9)] == [0, 0, 0, 1, 0, 0, 1, 5, 0]
