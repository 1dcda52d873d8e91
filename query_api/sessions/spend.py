"""Where the tokens and the money of one session went."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct, structs

from edge.guards import may
from edge.principal import Caller
from query_api.prices import price_list
from query_api.read_context import Context, ReadContext, Secrets
from query_api.sessions.by_id import SessionDetailRow, SessionOfOrg, load_session_row
from query_api.sessions.hierarchy import NODES_MAX, TASKS_OF_SESSIONS, TasksOfSessions
from query_api.sessions.one import load_visible_row
from query_api.sessions.request_costs import Part, RequestCosts, SpendFact
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.money import usd_of
from schemas.times import instant
from store.reading.question import Question

UNEXPLAINED, MAIN = "unexplained", "main"
FACTS_PER_PAGE = 10_000
TRIES = 3
_TURN_EVENTS = ["ApiRequest", "UserPromptSubmit"]
_TOOL_EVENTS = [*("ApiRequest", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "PostToolBatch")]
By = Annotated[Literal["turn", "model", "agent", "tool", "bucket"], doc("What to divide the session by.", "turn")]


class SpendBucketRow(Struct, frozen=True):
    """What a session spent in a quarter of an hour."""

    bucket_s: int
    tokens: int
    cost_nano: int


class SpendFactsOf(SessionOfOrg, frozen=True):
    """A session's events of these types in log order, from the place ``since`` and up to offset ``version - 1``."""

    since: int
    version: int
    event_types: list[str]
    limit: int


BUCKETS = Question("query_api.sessions.spend_buckets", SessionOfOrg, SpendBucketRow)
SPEND_FACTS = Question("query_api.sessions.spend_facts", SpendFactsOf, SpendFact)


class Spend(Struct, frozen=True):
    """What a part of a session spent. A correction makes it negative where it takes back more than was spent."""

    key: Annotated[
        str,
        doc(
            "Event id of the turn's prompt, model, subagent id, tool, or start of the quarter of an hour. `main`: the "
            "main agent; `others`: all subagents beyond the 200th; `no_turn`: before the first prompt; `no_tool`: "
            "requests that called no tool; `unexplained`: what no request explains.",
            "Bash",
        ),
    ]
    label: Annotated[str | None, doc("The prompt's first 200 characters, or the subagent's type.", "Retry the upload")]
    started_at: Annotated[str | None, moment("Start of the turn, the agent or the quarter of an hour.")]
    tokens: fields.Tokens
    cost_usd: fields.CostUsd


@get("/sessions/{session_id:str}/spend", operation_id="GetSpend", guards=[may("session.read")])
async def get_spend(
    session_id: FromPath[str], principal: Caller, context: Context, id_secrets: Secrets, by: FromQuery[By] = "turn"
) -> Response[Reply[list[Spend]]]:
    """Return where the session's tokens and money went. Each list adds up to the session's totals exactly.

    Turns, subagents and tools are known where clients report each request to a model; what no request explains is
    `unexplained`. It is negative where the client reports less for the session than for its requests. The tools that a
    request called share its cost equally.
    """
    row = await load_visible_row(context, principal, session_id, id_secrets)
    parts = await _PARTS[by](context, row)
    return context.reply([_shown(part) for part in parts])


async def _of_buckets(context: ReadContext, row: SessionDetailRow) -> list[Part]:
    found: list[SpendBucketRow] = []
    for _ in range(TRIES):  # the session may change in between
        found = await context.ask(BUCKETS, SessionOfOrg(row.org_id, row.session_id))
        if not _unexplained(row, found):
            break
        row = await load_session_row(context, row.org_id, row.session_id) or row
    times = [one.bucket_s * 1000 for one in found]
    return [Part(instant(at), None, at, one.tokens, one.cost_nano) for at, one in zip(times, found, strict=True)]


async def _of_models(_: ReadContext, row: SessionDetailRow) -> list[Part]:
    models = [Part(model, None, None, sum(tokens[:4]), cost) for model, *tokens, cost, _ in row.models]
    return sorted(models, key=lambda one: (-one.cost_nano, -one.tokens, one.key))


async def _of_agents(context: ReadContext, row: SessionDetailRow) -> list[Part]:
    nodes = await context.ask(
        TASKS_OF_SESSIONS, TasksOfSessions(row.org_id, [row.session_id], ["subagent"], NODES_MAX, NODES_MAX)
    )
    started = {"": row.started_ms, **{node.task_id: node.started_ms for node in nodes}}
    agents = [
        Part(one.agent_id or MAIN, one.agent_type or None, started.get(one.agent_id), one.tokens, one.cost_nano)
        for one in row.agents
    ]
    return [*agents, *_unexplained(row, agents)]


async def _of_turns(context: ReadContext, row: SessionDetailRow) -> list[Part]:
    turns = (await _costs(context, row, _TURN_EVENTS)).by_turn()
    return [*turns, *_unexplained(row, turns)]


async def _of_tools(context: ReadContext, row: SessionDetailRow) -> list[Part]:
    tools = (await _costs(context, row, _TOOL_EVENTS)).by_tool()
    return [*tools, *_unexplained(row, tools)]


_PARTS = {"turn": _of_turns, "model": _of_models, "agent": _of_agents, "tool": _of_tools, "bucket": _of_buckets}


async def _costs(context: ReadContext, row: SessionDetailRow, event_types: list[str]) -> RequestCosts:
    """Read the facts that the session's row counts, and no later ones."""
    costs = RequestCosts(await price_list(context))
    asked = SpendFactsOf(row.org_id, row.session_id, 0, row.version, event_types, FACTS_PER_PAGE)
    while True:
        page = await context.ask(SPEND_FACTS, asked)
        await asyncio.to_thread(costs.take, page)
        if len(page) < FACTS_PER_PAGE:
            return costs
        asked = structs.replace(asked, since=page[-1].place + 1)


def _unexplained(row: SessionDetailRow, parts: Sequence[Part | SpendBucketRow]) -> list[Part]:
    """Return what the parts lack of the session's totals, if anything."""
    tokens = row.tokens - sum(part.tokens for part in parts)
    cost_nano = sum(model.cost_nano for model in row.models) - sum(part.cost_nano for part in parts)
    return [Part(UNEXPLAINED, tokens=tokens, cost_nano=cost_nano)] if tokens or cost_nano else []


def _shown(part: Part) -> Spend:
    started_at = None if part.started_ms is None else instant(part.started_ms)
    return Spend(part.key, part.label, started_at, part.tokens, usd_of(part.cost_nano))
