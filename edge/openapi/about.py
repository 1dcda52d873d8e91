"""The page's introduction: what holds for every call."""

ABOUT = """
The system of record for AI coding sessions. Send what happens in a session, read sessions and analytics.

**Credential.** `Authorization: Bearer <token>`, a JWT with `iss`, `aud`, `sub`, `org_id`, `role`, `exp`, `iat`, `jti`.
The org in the path is the token's; any other is answered with 404.

**Success.** `{"data": …, "meta": {…}}`. Lists carry `current_page`, `per_page`, `total_pages` and `total_count`; a page
past the end is empty.

**Errors.** One shape for all: `{"error": "one sentence", "code": "snake_case", "details": {"field": ["what is wrong"]},
"request_id": "…"}`. An address that knows other methods answers 405. 429 and 503 may be repeated as they are: wait
`Retry-After` seconds, and back off with jitter. What the HTTP server refuses by itself has a status and no body: 400
for what is no HTTP/1.1, 414 for an address of more than 65,534 bytes, 431 for more than 100 header fields.

**Addresses** have one spelling: a doubled slash, one at the end, `.` and `..`, and escaped letters or digits are 404.

**Times** are RFC 3339. Replies give UTC with milliseconds (`2026-01-20T10:30:00.000Z`); requests may have any offset,
but must have one. All days and weeks are UTC; weeks begin on Monday.

**Null** means absent: in the bodies of create and end as well as in replies, where every field is always there. In
PATCH, `null` clears a field, and a field that is not there stays as it is. Unknown fields and unknown query parameters
are refused with 422.

**Money** is in US dollars, as a decimal number with up to 9 decimals. Inside it is counted in integers of nano-dollars,
so sums add up exactly. **Tokens** are integers from 0 to 2^53.

**Ids** of sessions, runs and threads are UUIDs. One of the wrong shape is an unknown one: 404.

**Read your write.** Each write answers `X-Log-Position`; give it to a read as `X-Wait-For-Position`, and the read waits
until it shows the write. Every read says in `X-Complete-Through` how fresh it is.

**Limits.** Bodies up to 10,485,760 bytes after decoding, 5,000 events a request, 1,048,576 bytes an event; requests an
hour per org, see `X-RateLimit-*`.
""".strip()
