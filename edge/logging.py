"""Structured logs: one JSON object a line on standard error. Never a body, a token or a query string."""

import logging
import re
import sys
import time
from typing import Any

import msgspec
import structlog
from litestar.types import HTTPScope

# Words of routes, ids, versions, positions, files of the OpenAPI page.
_OURS = re.compile(
    r"|[a-z][a-z-]{0,23}|v1|g\d{1,6}|\d{1,6}:\d{1,20}|[0-9a-fA-F-]{36}|[a-z-]{1,40}\.(?:json|js|css|png)"
)
access = structlog.get_logger("access")


def configure_logging(level: int = logging.INFO) -> None:
    """Called once per process, by whoever starts it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def log_access(scope: HTTPScope, status: int, began: float) -> None:
    """One line a request; ``began`` as of `time.perf_counter`."""
    user: Any = scope.get("user")
    access.info(
        "request",
        method=scope["method"],
        path=shown_path(scope["path"], user and user.org_id),
        status=status,
        ms=round((time.perf_counter() - began) * 1000, 2),
        org=user and user.org_id,
        user=user and user.user_id,
    )


def shown_path(path: str, org: str | None) -> str:
    """The path with an ellipsis for what no address of ours has: somebody may have put anything there."""
    return "/".join(part if part == org or _OURS.fullmatch(part) else "…" for part in path.split("/"))


def _to_json(event: Any, **_options: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)
