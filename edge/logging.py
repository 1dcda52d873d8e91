"""The access log. It never contains bodies, tokens or query strings.

Each second, at most ten rejected requests (4xx) without a credential are logged, and ten with one, so a flood without a
credential cannot hide the others. Every ten seconds, one line (`requests_rejected`) counts omitted lines by status. The
metrics count every request.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from litestar.status_codes import HTTP_400_BAD_REQUEST, HTTP_500_INTERNAL_SERVER_ERROR
from litestar.types import HTTPScope

# Route words, ids, versions, positions, and files of the OpenAPI page.
_KNOWN_SEGMENT = re.compile(
    r"|[a-z][a-z-]{0,23}|v1|g\d{1,6}|\d{1,6}:\d{1,20}|[0-9a-fA-F-]{36}|[a-z-]{1,40}\.(?:json|js|css|png)"
)
access = structlog.get_logger("access")

LINES_PER_SECOND = 10
SUMMARY_EVERY_S = 10.0
CallLater = Callable[[float, Callable[[], None]], object]  # (seconds, function): calls the function after that delay


def _call_later(seconds: float, call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, call)


class AccessLog:
    """The access log of one service."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, later: CallLater = _call_later) -> None:
        """``clock`` returns seconds since an arbitrary moment."""
        self._clock, self._call_later = clock, later
        self._lines = dict.fromkeys((False, True), (-1, 0))  # the last second with a line, and its lines
        self._omitted: Counter[int] = Counter()

    def note(self, scope: HTTPScope, status: int, began: float) -> None:
        """Log or count a request; ``began`` is a time of `time.perf_counter`."""
        is_rejected = HTTP_400_BAD_REQUEST <= status < HTTP_500_INTERNAL_SERVER_ERROR
        if is_rejected and not self._take_line(bool(scope.get("user"))):
            if not self._omitted:
                self._call_later(SUMMARY_EVERY_S, self.log_summary)
            self._omitted[status] += 1
        else:
            user: Any = scope.get("user")
            access.info(
                "request",
                method=scope["method"],
                path=masked_path(scope["path"], user and user.org_id),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 2),
                org=user and user.org_id,
                user=user and user.user_id,
            )

    def log_summary(self) -> None:
        """Log the count of omitted lines now."""
        counts, self._omitted = self._omitted, Counter()
        if counts:
            by_status = {str(status): counts[status] for status in sorted(counts)}
            access.warning("requests_rejected", lines_left_out=counts.total(), by_status=by_status)

    def _take_line(self, with_user: bool) -> bool:
        """Use up a line of this second; return whether it was still available."""
        second = int(self._clock())
        before, taken = self._lines[with_user]
        taken = taken + 1 if second == before else 1
        self._lines[with_user] = second, taken
        return taken <= LINES_PER_SECOND


def masked_path(path: str, org: str | None) -> str:
    """Replace unknown path segments by an ellipsis, since a client may have put a secret there."""
    return "/".join(part if part == org or _KNOWN_SEGMENT.fullmatch(part) else "…" for part in path.split("/"))
