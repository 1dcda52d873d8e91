"""The API of a model, which answers with scripted turns: an unmodified Claude Code runs on it without a network."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Block = dict[str, Any]
USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "cache_read_input_tokens": 1_000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
}


def text(words: str) -> Block:
    """Return a part of an answer."""
    return {"type": "text", "text": words}


def tool_use(tool: str, use_id: str, **tool_input: Any) -> Block:
    """Return a call that the model asks for."""
    return {"type": "tool_use", "id": use_id, "name": tool, "input": tool_input}


class MessagesApi:
    """``turns`` are the answers to requests with tools, in their order; any other request gets a short text."""

    def __init__(self, turns: Sequence[Sequence[Block]]) -> None:
        self.requests: list[dict[str, Any]] = []
        self._turns = iter(turns)
        self._lock = threading.Lock()

    def answer(self, request: dict[str, Any]) -> Sequence[Block]:
        with self._lock:
            self.requests.append(request)
            return next(self._turns, [text("Done.")]) if request.get("tools") else [text("A title")]


def events(blocks: Sequence[Block], model: str, number: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a streamed answer."""
    message = {"id": f"msg_{number:04}", "type": "message", "role": "assistant", "model": model, "content": []}
    yield {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": USAGE}}
    for index, block in enumerate(blocks):
        is_text = block["type"] == "text"
        start = {"type": "text", "text": ""} if is_text else {**block, "input": {}}
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if is_text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": USAGE}
    yield {"type": "message_stop"}


@contextmanager
def messages_api(*turns: Sequence[Block]) -> Iterator[tuple[str, MessagesApi]]:
    """Serve the turns on loopback; yield the address for ``ANTHROPIC_BASE_URL``, and the requests that arrive."""
    api = MessagesApi(turns)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            request = json.loads(self.rfile.read(size) or b"{}")
            if not self.path.startswith("/v1/messages") or "count_tokens" in self.path:
                return self._send("application/json", json.dumps({"input_tokens": 10}).encode())
            blocks, model = api.answer(request), request.get("model", "claude")
            parts = list(events(blocks, model, len(api.requests)))
            if not request.get("stream"):
                whole = {**parts[0]["message"], "content": list(blocks), **parts[-2]["delta"]}
                return self._send("application/json", json.dumps(whole).encode())
            lines = [f"event: {part['type']}\ndata: {json.dumps(part)}\n\n" for part in parts]
            return self._send("text/event-stream", "".join(lines).encode())

        def do_GET(self) -> None:
            self._send("application/json", b"{}")

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", api
    finally:
        server.shutdown()
        server.server_close()
