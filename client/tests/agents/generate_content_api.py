"""Google's generateContent API, which answers with scripted turns."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.fakes.model_api import Json, Reply, Scripted, Used, served, streamed

Part = dict[str, Any]


def text(words: str) -> Part:
    """Return an answer."""
    return {"text": words}


def call(name: str, **arguments: Any) -> Part:
    """Return a function call that the model requests."""
    return {"functionCall": {"name": name, "args": arguments}}


class GenerateContentApi(Scripted):
    """``turns`` are the answers to requests with tools; any other request gets a short text."""

    def __init__(self, turns: Sequence[Part]) -> None:
        super().__init__(turns, text("Done."))

    def reply(self, path: str, request: Json) -> Reply:
        """Answer a request."""
        model = path.rpartition("/")[2].partition(":")[0]
        part, number, used = self.take(request, model, None if request.get("tools") else text("{}"))
        answer = {
            "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": usage_of(used),
            "modelVersion": model,
            "responseId": f"r{number}",
        }
        if "stream" in path:
            return streamed([answer], named=False)
        return Reply(json.dumps(answer).encode())


@contextmanager
def generate_content_api(*turns: Part) -> Iterator[tuple[str, GenerateContentApi]]:
    """Serve the turns on loopback; yield the address for ``GOOGLE_GEMINI_BASE_URL``, and the API."""
    api = GenerateContentApi(turns)
    with served(api) as url:
        yield url, api


def usage_of(used: Used) -> Json:
    """Return tokens as this API reports them: input includes cached ones, and the answer excludes thoughts."""
    thoughts = used.output // 3
    whole = used.input + used.cache_read
    return {
        "promptTokenCount": whole,
        "cachedContentTokenCount": used.cache_read,
        "candidatesTokenCount": used.output - thoughts,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": whole + used.output,
    }
