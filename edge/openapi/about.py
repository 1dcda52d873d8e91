"""Texts of the API page: its introduction, and its sections with the routes that belong to each."""

from collections.abc import Mapping

ABOUT = """
The system of record for AI coding sessions. Send the events of a session; read sessions and analytics.

**Credential.** `Authorization: Bearer <token>`, a JWT with `iss`, `aud`, `sub`, `org_id`, `role`, `exp`, `iat`, `jti`.
The org in the path must be the token's org; any other org returns 404.

**Success.** `{"data": …, "meta": {…}}`. Lists have `current_page`, `per_page`, `total_pages` and `total_count`. A page
past the end is empty.

**Errors** have one shape: `{"error": "one sentence", "code": "snake_case", "details": {"field": ["what is wrong"]},
"request_id": "…"}`. A known path with an unsupported method returns 405. After 429 or 503, send the same request
again: wait `Retry-After` seconds, and back off with jitter. The HTTP server itself refuses three kinds of requests,
without a body: invalid HTTP/1.1 (400), a URL of more than 65,534 bytes (414), more than 100 header fields (431).

**Paths** have one spelling. Double or trailing slashes, `.` and `..`, and escaped letters or digits return 404.

**Times** are RFC 3339. Responses use UTC with milliseconds (`2026-01-20T10:30:00.000Z`). Times in requests need an
offset, and may have any. Days and weeks are UTC; weeks start on Monday.

**Null** means absent, in the bodies of create and end and in responses. Responses always have every field. In PATCH,
`null` clears a field, and a missing field stays unchanged. Unknown fields and unknown query parameters return 422.

**Money** is in US dollars, as a decimal number with up to 9 decimals. The service stores integer nano-dollars, so sums
are exact. **Tokens** are integers from 0 to 2^53. In bodies, integers have no fraction: `1.0` returns 422.

**Ids** of sessions, runs and threads are UUIDs. An id of the wrong shape is unknown and returns 404.

**Read your write.** Each write returns `X-Log-Position`. Send it with a read as `X-Wait-For-Position`: the read waits
until it includes the write. Every read returns its freshness in `X-Complete-Through`.

**Limits.** A body has at most 10,485,760 bytes after decoding, a request 5,000 events, an event 1,048,576 bytes. The
requests of an org are limited per hour: see `X-RateLimit-*`. A request of hooks or telemetry counts as one for each of
its sessions.
""".strip()

SECTIONS: Mapping[str, str] = {
    "Writing": "A 2xx means that the write is durable in the log. After any other status, you can send it again.",
    "Reading": "Sessions that the caller may see, and their parts.",
    "Analytics": "Statistics of the sessions that started in a range of days (UTC).",
    "Operations": "Receipts of writes, and checks that the numbers are right.",
    "Operator": "For operators of the installation. Needs a token of role `operator`.",
    "Sign-in": "One-time codes for links to the dashboard. Only `up` has these routes; no credential is needed.",
    "Health": "For supervisors and monitoring; no credential is needed.",
}
_BY_PATH = (
    ("/login/", "Sign-in"),
    ("/api/v1/operator/", "Operator"),
    ("/ops/", "Operations"),
    ("/analytics/", "Analytics"),
)


def section_of(path: str, method: str) -> str:
    """Derive the section from the path and the method, so that routes need not name it."""
    for part, section in _BY_PATH:
        if part in path:
            return section
    if not path.startswith("/api/"):
        return "Health"
    return "Reading" if method == "GET" else "Writing"
