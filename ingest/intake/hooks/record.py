"""POST /:org_id/hooks/:client"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from agents import CLIENTS
from agents.client import Client
from edge.door import DIRECT
from edge.error_responses import too_large
from edge.errors import ApiError, not_found, session_erased
from edge.guards import may
from edge.route_docs import takes
from edge.validation_messages import explain
from ingest.dependencies import NewAgentWrite
from ingest.intake.agent_sessions.session import SessionFacts, find_erased
from ingest.intake.agent_sessions.store import store_sessions
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.hooks.batch import is_batch, read_batch
from ingest.intake.hooks.facts import Hook, batched_hook, checked_report, session_facts, single_hook
from ingest.intake.times import OUT_OF_RANGE
from schemas.http.requests import EVENT_BYTES_MAX, AgentPayload, RecordHook, RecordHooks, ReportSession
from schemas.http.responses import RecordedEvents, RejectedEvent, Reply
from schemas.log.records import MetricsReport

S = TypeVar("S")
T = TypeVar("T")
_NOTHING_VALID = "None of the hooks and reports is valid."


class _Erased(Exception):
    """The session of an item was erased. The message is the code of the refusal."""


@post(
    "/api/v1/{org_id:str}/hooks/{client:str}",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RecordHooks",
    guards=[may("session.write")],
    opt={**takes(RecordHooks, or_one=AgentPayload, refused_with=(410,)), **DIRECT},
)
async def record_hooks(agent_write: NewAgentWrite, client: FromPath[str]) -> Response[Reply[RecordedEvents]]:
    """Record what a coding agent's hooks send: one payload as it is, or a hook client's batch.

    The caller, the client and the client's own session id identify the session. It is created when it is first seen.
    One payload returns 204 without a body, since the agent would read a body as an instruction. Its `SessionEnd` ends
    the session. When the response arrives, everything that was accepted is durable.
    """
    known = CLIENTS.get(client)
    if known is None:
        raise not_found()
    context = agent_write.command.context
    async with agent_write.command.read() as body:
        if not await body.place.run(is_batch, body.text):
            if len(body.text) > EVENT_BYTES_MAX:
                raise too_large()
            sessions = await body.place.run(facts_of_one, body.text, known, context)
            stored = await store_sessions(agent_write, sessions, [], body)
            headers = {"X-Log-Position": stored.position}
            return Response(None, status_code=HTTP_204_NO_CONTENT, headers=headers)  # type: ignore[arg-type]  # no body
        sessions, accepted, rejected = await body.place.run(facts_of_batch, body.text, known, context)
        stored = await store_sessions(agent_write, sessions, rejected, body)
    if any(not one.code.startswith("erased") for one in stored.rejected) and not stored.positions:
        raise ApiError(422, "invalid", _NOTHING_VALID, {"hooks": stored.rejected})
    reply = Reply(RecordedEvents(accepted, stored.rejected), {"position": stored.position})
    return Response(reply, headers={"X-Log-Position": stored.position} if stored.positions else {})


def facts_of_one(body: bytes, client: Client, context: CommandContext) -> list[SessionFacts]:
    """Return the facts of a body that is one payload; raises the same as `single_hook`, and `ApiError` (410)."""
    hook = single_hook(body, client, context.received_at)
    if find_erased(client.name, context)(hook.payload.head.session_id):
        raise session_erased()
    return session_facts([hook], [], client, context)


def facts_of_batch(
    body: bytes, client: Client, context: CommandContext
) -> tuple[list[SessionFacts], int, list[RejectedEvent]]:
    """Return the facts of a batch, how many of its hooks are accepted, and why each of the others is rejected.

    A rejected report has the code ``invalid_report`` or ``erased_report``, and its index among the reports. Raises the
    same as `read_batch` and `session_facts`.
    """
    batch = read_batch(body)
    now, is_erased = context.received_at, find_erased(client.name, context)

    def checked_hook(item: RecordHook) -> Hook:
        hook = batched_hook(item, client, now)
        if is_erased(hook.payload.head.session_id):
            raise _Erased("erased")
        return hook

    def reported(item: ReportSession) -> tuple[str, MetricsReport]:
        report = checked_report(item, now)
        if is_erased(report[0]):
            raise _Erased("erased_report")
        return report

    hooks, wrong_hooks = _checked(batch.hooks, checked_hook, "invalid_hook")
    reports, wrong_reports = _checked(batch.reports, reported, "invalid_report")
    return session_facts(hooks, reports, client, context), len(hooks), [*wrong_hooks, *wrong_reports]


def _checked(
    items: Sequence[S | RejectedEvent], check: Callable[[S], T], code: str
) -> tuple[list[T], list[RejectedEvent]]:
    valid: list[T] = []
    rejected: list[RejectedEvent] = []
    for index, item in enumerate(items):
        try:
            if isinstance(item, RejectedEvent):
                rejected.append(item)
            else:
                valid.append(check(item))
        except _Erased as error:
            rejected.append(RejectedEvent(index, str(error), "its session was erased"))
        except Invalid as error:
            of_time = error.sentence == OUT_OF_RANGE and code == "invalid_hook"
            rejected.append(RejectedEvent(index, "timestamp_out_of_range" if of_time else code, str(error)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            path, sentence = explain(str(error))
            where = "payload" if path == "body" else f"payload.{path}"
            rejected.append(RejectedEvent(index, code, f"{where} {sentence}"))
    return valid, rejected
