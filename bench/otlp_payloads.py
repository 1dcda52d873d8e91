"""Log records as Claude Code exports them: 80 KB a request, three of four records noise, 20 attributes a record."""

import time
from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

RECORDS = 69  # in a request: 80 KB in JSON
Attributes = Mapping[str, str | int | float | bool]
_RESOURCE: Attributes = {"service.name": "claude-code", "service.version": "2.1.332", "os.type": "linux"}
_COMMON: Attributes = {
    "user.id": "4954cea78073409a80b6e36763261aef095ed6729eefda6dac7ad6724d89dd79",
    "anthropic.provider": "firstParty",
    "anthropic.custom_base_url": True,
    "terminal.type": "xterm-256color",
    "team": "shop",
}
_NOISE: Attributes = {
    "hook_event": "PreToolUse",
    "hook_name": "PreToolUse:Bash",
    "num_hooks": 1,
    "num_success": "1",
    "managed_only": False,
    "hook_source": "projectSettings",
}
_NOISE_EVENTS = ("hook_registered", "hook_execution_start", "hook_execution_complete", "plugin_loaded")
_COMMAND = '{"command": "git status --short && make test", "description": "Run the tests"}'
_VALUE_FIELDS = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}


def request_body(chance: Random, session: str, first: int, encoding: str) -> bytes:
    """Return a request in JSON or protobuf; ``first`` is the sequence number of its first record."""
    now_ms = time.time_ns() // 1_000_000
    records = [_record(chance, session, first + number, now_ms + number) for number in range(RECORDS)]
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}
    body = {"resourceLogs": [{"resource": {"attributes": _attributes(_RESOURCE)}, "scopeLogs": [scope]}]}
    if encoding == "json":
        return msgspec.json.encode(body)
    encoded: bytes = ParseDict(body, ExportLogsServiceRequest()).SerializeToString()
    return encoded


def _record(chance: Random, session: str, number: int, at_ms: int) -> dict[str, Any]:
    name, values = _stored(chance) if number % 4 == 0 else _noise(chance)
    fixed: Attributes = {"session.id": session, "event.name": name, "event.sequence": number, "prompt.id": session}
    return {
        "timeUnixNano": f"{at_ms}000000",
        "observedTimeUnixNano": f"{at_ms}000000",
        "body": {"stringValue": f"claude_code.{name}"},
        "attributes": _attributes({**_COMMON, **fixed, **values}),
    }


def _stored(chance: Random) -> tuple[str, Attributes]:
    """Return one of the records that the product stores."""
    tool: Attributes = {"tool_name": "Bash", "tool_use_id": f"toolu_{chance.getrandbits(96):024x}"}
    request: Attributes = {
        "request_id": f"req_{chance.getrandbits(96):024x}",
        "model": "claude-opus-5-5",
        "input_tokens": 4,
        "output_tokens": chance.randrange(1_000),
        "cache_read_tokens": 14_400,
        "cost_usd": 0.116416,
        "duration_ms": chance.randrange(10_000),
        "query_source": "sdk",
    }
    result = {"success": "true", "duration_ms": "63", "tool_input": _COMMAND, "tool_result_size_bytes": "80"}
    kinds: tuple[tuple[str, Attributes], ...] = (
        ("api_request", request),
        ("tool_decision", {**tool, "decision": "accept", "source": "config", "permission_mode": "default"}),
        ("tool_result", {**tool, **result}),
    )
    return chance.choice(kinds)


def _noise(chance: Random) -> tuple[str, Attributes]:
    return chance.choice(_NOISE_EVENTS), {**_NOISE, "total_duration_ms": chance.randrange(100)}


def _attributes(values: Attributes) -> list[dict[str, Any]]:
    """Return attributes in the JSON form of OTLP."""
    return [{"key": key, "value": {_VALUE_FIELDS[type(value)]: value}} for key, value in values.items()]
