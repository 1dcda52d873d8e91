"""The access log. Never a body, a token or a query string."""

import re
import time
from typing import Any

import structlog
from litestar.types import HTTPScope

# Words of routes, ids, versions, positions, files of the OpenAPI page.
_OURS = re.compile(
    r"|[a-z][a-z-]{0,23}|v1|g\d{1,6}|\d{1,6}:\d{1,20}|[0-9a-fA-F-]{36}|[a-z-]{1,40}\.(?:json|js|css|png)"
)
access = structlog.get_logger("access")


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
