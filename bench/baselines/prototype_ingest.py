"""The write side of a bare prototype: a route that decodes a body and appends it to Kafka.

It has no authentication, ids, redaction, limits, metrics or idempotency.
`python -m bench.baselines.prototype_ingest BOOTSTRAP TOPIC PORT` runs it.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvloop
from aiokafka import AIOKafkaProducer
from litestar import Litestar, Response, get, post
from litestar.datastructures import State
from msgspec import Struct

from bench.baselines.prototype_projector import HookEvent
from bench.kafka import PRODUCER
from runtime.services.http_server import serve_http


class Batch(Struct):
    """The body of a request."""

    events: list[HookEvent]


class StoredBatch(Struct, tag_field="kind", tag="events_recorded"):
    """The record of a request."""

    org_id: str
    session_id: UUID
    received_at: int
    events: list[HookEvent]


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Batch).decode


@post("/api/v1/{org:str}/sessions")
async def create_session(org: str) -> Response[Any]:
    """Return a new id; a prototype learns of sessions from their events."""
    return Response({"data": {"id": str(uuid4()), "org": org}}, headers={"X-Log-Position": "0:0"})


@post("/api/v1/{org:str}/observability/sessions/{session_id:uuid}/events")
async def record_events(org: str, session_id: UUID, body: bytes, state: State) -> Response[Any]:
    """Append the batch; the response means that Kafka has stored it."""
    events = _decode(body).events
    record = _encode(StoredBatch(org, session_id, time.time_ns() // 1_000_000, events))
    sent = await state.producer.send_and_wait(state.topic, record, key=session_id.bytes)
    accepted = {"data": {"accepted": len(events), "rejected": []}}
    return Response(accepted, headers={"X-Log-Position": f"{sent.partition}:{sent.offset}"})


@get("/livez")
async def livez() -> str:
    """Answer."""
    return "ok"


async def serve(bootstrap: str, topic: str, port: int) -> None:
    """Serve until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    @asynccontextmanager
    async def producing(app: Litestar) -> AsyncIterator[None]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, **PRODUCER) as producer:
            app.state.producer, app.state.topic = producer, topic
            yield

    routes = [create_session, record_events, livez]
    app = Litestar(routes, lifespan=[producing], openapi_config=None, request_max_body_size=16 << 20)
    await serve_http(app, "127.0.0.1", port, stopping)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
