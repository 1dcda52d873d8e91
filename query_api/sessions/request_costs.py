"""What each request of a session cost, and which turn and which tools it belongs to. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from prices.price_file import PRICED_TOKENS
from prices.price_list import PriceList
from schemas.models import canonical_model
from schemas.store.rows import Usage

HOUR_MS = 3_600_000
NO_TURN, NO_TOOL = "no_turn", "no_tool"


class SpendFact(Struct, frozen=True):
    """A request to a model, a prompt, or a tool use. Absent texts are empty."""

    place: int
    event_id: UUID
    at_ms: int
    received_ms: int
    event_type: str
    tool_name: str
    tool_use_id: str
    agent_id: str
    model: str
    label: str
    by_telemetry: bool
    by_machine: bool
    prompt_id: str
    request_id: str
    usage: Usage
    calls: list[tuple[str, str, str]]


class Request(NamedTuple):
    """A request to a model, and what it cost."""

    prompt_id: str
    agent_id: str
    at_ms: int
    tokens: int
    cost_nano: int


class Part(Struct):
    """The tokens and the cost of a part of a session."""

    key: str
    label: str | None = None
    started_ms: int | None = None
    tokens: int = 0
    cost_nano: int = 0

    def add(self, tokens: int, cost_nano: int) -> None:
        self.tokens += tokens
        self.cost_nano += cost_nano


class _Use(NamedTuple):
    """The first thing known about a tool use; ``request_id`` if any event names its request."""

    name: str
    agent_id: str
    at_ms: int
    request_id: str


class RequestCosts:
    """Takes a session's facts in the order of the log, and divides what its requests cost."""

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._exact: dict[str, int] = defaultdict(int)  # costs by model, in nano-dollars / `PRICED_TOKENS`
        self._requests: dict[object, Request] = {}
        self._prompts: list[SpendFact] = []
        self._uses: dict[object, _Use] = {}

    def take(self, facts: Iterable[SpendFact]) -> None:
        """Take the next facts."""
        for fact in facts:
            if fact.event_type == "ApiRequest":
                self._take_request(fact)
            elif fact.event_type == "UserPromptSubmit":
                self._prompts.append(fact)
            else:
                self._take_uses(fact)

    def by_turn(self) -> list[Part]:
        """Return what the turns spent, in the order of time. A turn begins with a prompt that a user typed.

        A request belongs to the prompt that it names, else to the last one before it.
        """
        named, turns = _turns(self._prompts)
        times = [at_ms for at_ms, _ in turns]
        without = Part(NO_TURN)
        for one in self._requests.values():
            number = bisect_right(times, one.at_ms)
            latest = turns[number - 1][1] if number else without
            named.get(one.prompt_id, latest).add(one.tokens, one.cost_nano)
        return [turn for turn in (without, *(turn for _, turn in turns)) if turn.tokens or turn.cost_nano]

    def by_tool(self) -> list[Part]:
        """Return what the requests cost by the tools that they called, the most expensive first.

        Several tools of a request share it equally, and the remainder is the first one's.
        """
        tools: dict[str, Part] = {}
        for one, names in zip(self._requests.values(), self._tools_called(), strict=True):
            tokens, cost_nano = one.tokens // len(names), one.cost_nano // len(names)
            for name in names:
                tools.setdefault(name, Part(name)).add(tokens, cost_nano)
            tools[names[0]].add(one.tokens - tokens * len(names), one.cost_nano - cost_nano * len(names))
        return sorted(tools.values(), key=lambda tool: (-tool.cost_nano, -tool.tokens, tool.key))

    def _take_request(self, fact: SpendFact) -> None:
        """Take a request, each id once. It costs what it adds to the sum of its model, which is rounded down."""
        key = fact.usage.request_id or fact.place
        if key in self._requests:
            return
        model = canonical_model(fact.model)
        before = self._exact[model]
        self._exact[model] += self._exact_cost(fact)
        cost_nano = self._exact[model] // PRICED_TOKENS - before // PRICED_TOKENS
        self._requests[key] = Request(fact.prompt_id, fact.agent_id, fact.at_ms, fact.usage.tokens, cost_nano)

    def _exact_cost(self, fact: SpendFact) -> int:
        """Return the client's cost, else that by the prices of the hour, as the fold does."""
        usage = fact.usage
        if usage.cost_nano is not None:
            return usage.cost_nano * PRICED_TOKENS
        hour = min(usage.cache_creation_1h_tokens, usage.cache_creation_tokens)
        at_ms = min(fact.at_ms, fact.received_ms) // HOUR_MS * HOUR_MS
        return self._prices.exact_cost(fact.model, usage._replace(cache_creation_1h_tokens=hour), at_ms) or 0

    def _take_uses(self, fact: SpendFact) -> None:
        uses: list[tuple[object, str]] = [(use, name) for use, name, _ in fact.calls]
        if fact.tool_name:
            uses.append((fact.tool_use_id or fact.place, fact.tool_name))
        for key, name in uses:
            use = self._uses.get(key) or _Use(name, fact.agent_id, fact.at_ms, "")
            self._uses[key] = use._replace(
                at_ms=min(use.at_ms, fact.at_ms), request_id=use.request_id or fact.request_id
            )

    def _tools_called(self) -> Iterator[list[str]]:
        """Yield the names of the tools that each request called, each once, in the order of the log."""
        places: dict[object, int] = {key: number for number, key in enumerate(self._requests)}
        latest = _Latest(list(self._requests.values()))
        called: dict[int | None, dict[str, None]] = defaultdict(dict)
        for use in self._uses.values():
            number = places.get(use.request_id) if use.request_id else None
            called[latest.before(use.agent_id, use.at_ms) if number is None else number][use.name] = None
        return ([*called.get(number, ())] or [NO_TOOL] for number in range(len(self._requests)))


def _turns(prompts: Sequence[SpendFact]) -> tuple[dict[str, Part], list[tuple[int, Part]]]:
    """Return the turns by their prompts' ids, and all turns by the time of their start.

    Hooks and telemetry report the same prompts. They are joined by their ids, as the fold joins them: hooks decide
    whether a user typed one. If only one of the two has ids, the first belongs to the first, and so on.
    """
    by_hooks = {fact.prompt_id for fact in prompts if fact.prompt_id and not fact.by_telemetry}
    typed = [fact for fact in prompts if not (fact.agent_id or fact.by_machine)]
    hooks = sorted((fact for fact in typed if not fact.by_telemetry), key=_time)
    telemetry = sorted((fact for fact in typed if fact.by_telemetry and fact.prompt_id not in by_hooks), key=_time)
    unnamed = [fact for fact in hooks if not fact.prompt_id]
    others = telemetry if unnamed else [fact for fact in telemetry if not fact.prompt_id]
    same = {fact.place: other for fact, other in zip(unnamed or hooks, others, strict=False)}
    joined = {other.place for other in same.values()}
    named: dict[str, Part] = {}
    turns: list[tuple[int, Part]] = []
    for fact in (*hooks, *(fact for fact in telemetry if fact.place not in joined)):
        other = same.get(fact.place, fact)
        turn = named.get(fact.prompt_id or other.prompt_id)
        if turn is None:
            turn = Part(str(fact.event_id), started_ms=min(fact.at_ms, other.at_ms))
            turns.append((min(fact.at_ms, other.at_ms), turn))
        turn.label = turn.label or fact.label or other.label or None
        named.update({prompt_id: turn for prompt_id in (fact.prompt_id, other.prompt_id) if prompt_id})
    return named, sorted(turns, key=lambda pair: pair[0])


def _time(fact: SpendFact) -> tuple[int, int]:
    return fact.at_ms, fact.place


class _Latest:
    """Finds an agent's latest request before a time."""

    def __init__(self, requests: Sequence[Request]) -> None:
        ordered: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, one in enumerate(requests):
            ordered[one.agent_id].append((one.at_ms, number))
        self._ordered = {agent_id: sorted(found) for agent_id, found in ordered.items()}

    def before(self, agent_id: str, at_ms: int) -> int | None:
        """Return the request's number, or None if the agent made none until then."""
        ordered = self._ordered.get(agent_id, [])
        number = bisect_right(ordered, at_ms, key=lambda pair: pair[0])
        return ordered[number - 1][1] if number else None
