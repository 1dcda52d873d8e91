"""Anthropic's Messages API, which answers with scripted turns."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.fakes.model_api import Json, Reply, Scripted, Used, served, streamed

Block = dict[str, Any]
TITLE = "A title"


def text(words: str) -> Block:
    """Return a part of an answer."""
    return {"type": "text", "text": words}


def tool_use(tool: str, use_id: str, **tool_input: Any) -> Block:
    """Return a tool call that the model requests."""
    return {"type": "tool_use", "id": use_id, "name": tool, "input": tool_input}


class MessagesApi(Scripted):
    """``turns`` are the answers to requests with tools; any other request gets a short text."""

    def __init__(self, turns: Sequence[Sequence[Block]]) -> None:
        super().__init__(turns, [text("Done.")])

    def reply(self, path: str, request: Json) -> Reply:
        """Answer a request."""
        if not path.startswith("/v1/messages") or "count_tokens" in path:
            return Reply(json.dumps({"input_tokens": 10}).encode())
        model, aside = str(request.get("model")), None if request.get("tools") else [text(TITLE)]
        blocks, number, used = self.take(request, model, aside)
        parts = _events(blocks, model, number, id(self), used)
        headers = {"request-id": f"req_{number:04}_{id(self):x}"}
        if request.get("stream"):
            return streamed(parts)._replace(headers=headers)
        whole = {**parts[0]["message"], "content": list(blocks), **parts[-2]["delta"]}
        return Reply(json.dumps(whole).encode(), headers=headers)


@contextmanager
def messages_api(*turns: Sequence[Block]) -> Iterator[tuple[str, MessagesApi]]:
    """Serve the turns on loopback; yield the address for ``ANTHROPIC_BASE_URL``, and the API."""
    api = MessagesApi(turns)
    with served(api) as url:
        yield url, api


def usage_of(used: Used) -> Json:
    """Return tokens as this API reports them."""
    return {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation_input_tokens": used.cache_creation,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_creation - used.cache_creation_1h,
            "ephemeral_1h_input_tokens": used.cache_creation_1h,
        },
    }


def _events(blocks: Sequence[Block], model: str, number: int, run: int, used: Used) -> list[Json]:
    """Return the events of a streamed answer."""
    usage = usage_of(used)
    message = {"id": f"msg_{number:04}_{run:x}", "type": "message", "role": "assistant", "model": model, "content": []}
    first = {**message, "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    events: list[Json] = [{"type": "message_start", "message": first}]
    for index, block in enumerate(blocks):
        is_text = block["type"] == "text"
        start = {"type": "text", "text": ""} if is_text else {**block, "input": {}}
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if is_text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    reason = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": usage})
    events.append({"type": "message_stop"})
    return events
