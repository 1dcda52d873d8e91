"""Documented examples of all request bodies. A test sends each of them."""

from collections.abc import Mapping
from typing import Any

from schemas.http.glossary import CLIENT_SESSION_ID, EVENT_ID, GLOSSARY, SESSION_ID
from schemas.http.otlp import (
    LOGS_EXAMPLE,
    METRICS_EXAMPLE,
    TRACES_EXAMPLE,
    ExportLogs,
    ExportMetrics,
    ExportTraces,
)
from schemas.http.requests import (
    ChangeSession,
    CreateJob,
    CreateSession,
    EndSession,
    RecordEvents,
    RecordHooks,
    RedriveDeadLetter,
    RequestCompaction,
)

_TOTALS = {"input_tokens": 15_000, "output_tokens": 3_000, "cost_usd": 0.045}

_CREATE = "remote_url component repository_id project_id agent_name model branch external_id trigger title"

BODIES: Mapping[type, Any] = {
    CreateSession: {name: GLOSSARY[name].example for name in _CREATE.split()},
    RecordEvents: {
        "events": [
            {
                "event_type": "UserPromptSubmit",
                "timestamp": "2026-01-20T10:30:00Z",
                "data": {"prompt": "Make the upload retry with back-off."},
            },
            {
                "event_type": "PostToolUse",
                "timestamp": "2026-01-20T10:30:04.250Z",
                "data": {
                    "tool_name": "Bash",
                    "tool_use_id": "toolu_01",
                    "tool_input": {"command": "make test"},
                    "duration_ms": 1250,
                },
                "event_id": EVENT_ID,
                "seq": 17,
            },
        ]
    },
    RecordHooks: {
        "hooks": [
            {
                "id": EVENT_ID,
                "at": "2026-01-20T10:30:04.250Z",
                "payload": {
                    "session_id": CLIENT_SESSION_ID,
                    "hook_event_name": "PreToolUse",
                    "tool_name": "Bash",
                    "tool_use_id": "toolu_01",
                    "tool_input": {"command": "make test"},
                },
                "context": {"attended": True, "branch": "main", "client_version": "2.1.332"},
            }
        ],
        "reports": [
            {
                "session_id": CLIENT_SESSION_ID,
                "at": "2026-01-20T10:31:00Z",
                "model_metrics": _TOTALS,
                "work": {"lines_added": 12, "lines_removed": 3},
            }
        ],
    },
    ChangeSession: {"title": "Retry the upload", "branch": None, "model_metrics": _TOTALS},
    EndSession: {
        "summary": "The upload retries with back-off; tests pass.",
        "model_metrics": {"models": [{"model": "claude-sonnet-4-5", **_TOTALS}]},
        "outcome": "success",
    },
    RedriveDeadLetter: {
        "record": {
            "kind": "events_recorded",
            "v": 1,
            "record_id": "6d1f0a52-93c4-4b7e-8a15-2c9e4d7f0b31",
            "org_id": "acme",
            "session_id": SESSION_ID,
            "actor": {"user_id": "alice", "role": "member"},
            "received_at": 1_768_905_000_000,
            "events": [{"event_id": EVENT_ID, "event_type": "Stop", "timestamp": 1_768_904_999_000, "data": {}}],
        }
    },
    ExportLogs: LOGS_EXAMPLE,
    ExportMetrics: METRICS_EXAMPLE,
    ExportTraces: TRACES_EXAMPLE,
    CreateJob: {"kind": "repair"},
    RequestCompaction: {"instructions": "Keep the failing tests.", "max_characters": 8_000},
}
