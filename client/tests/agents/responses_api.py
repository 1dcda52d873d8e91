"""OpenAI's Responses API, which answers with scripted turns."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.fakes.model_api import Json, Reply, Scripted, Used, served, streamed

Item = dict[str, Any]


def message(words: str) -> Item:
    """Return an answer."""
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return {"type": "message", "role": "assistant", "status": "completed", "content": content}


def call(name: str, **arguments: Any) -> Item:
    """Return a tool call that the model requests."""
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments), "status": "completed"}


class ResponsesApi(Scripted):
    """``turns`` are the answers."""

    def __init__(self, turns: Sequence[Item]) -> None:
        super().__init__(turns, message("Done."))

    def reply(self, path: str, request: Json) -> Reply:
        """Answer a request."""
        if not path.endswith("/responses"):
            return Reply(b"{}")
        item, number, used = self.take(request, str(request.get("model")))
        name = f"{number:04}_{id(self):x}"
        item = {**item, "id": f"item_{name}"} | ({"call_id": f"call_{name}"} if item["type"] == "function_call" else {})
        response = {"id": f"resp_{name}", "output": [item], "status": "completed", "usage": usage_of(used)}
        events: list[Json] = [
            {"type": "response.created", "response": {"id": response["id"]}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": response},
        ]
        return streamed(events)


@contextmanager
def responses_api(*turns: Item) -> Iterator[tuple[str, ResponsesApi]]:
    """Serve the turns on loopback; yield the address of the API, and the API."""
    api = ResponsesApi(turns)
    with served(api) as url:
        yield f"{url}/v1", api


def usage_of(used: Used) -> Json:
    """Return tokens as this API reports them: cached ones are part of the input."""
    whole = used.input + used.cache_read
    return {
        "input_tokens": whole,
        "input_tokens_details": {"cached_tokens": used.cache_read},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.output // 2},
        "total_tokens": whole + used.output,
    }
