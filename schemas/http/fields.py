"""The fields of the API that several bodies, responses or parameters share, each with its meaning and an example.

A field that only one struct has is documented there, with `doc` or `moment`.
"""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Raw

SESSION_ID = "0b3d5c1e-7a52-4f0e-9c41-5d2f8a9b6c30"
RUN_ID = "5f1c9f4a-2d36-4b57-8e0c-1a7d3b9e6f24"
THREAD_ID = "c2a7e0d8-9b14-4c6f-a3e5-7f8d1b2c4e69"
CLIENT_SESSION_ID = "e41b7c0d-52a9-4f36-8d17-6b0c93f2a5e8"
EVENT_ID = "9f8b7a6c-5d4e-4f3a-8b2c-1d0e9f8a7b6c"


def doc(meaning: str, *example: Any, values: str = "", **more: Any) -> Meta:
    """Document a field: its meaning, an example, and all ``values`` of a text, the example first.

    ``more`` are bounds for `Meta`.
    """
    if values:
        more["extra_json_schema"] = {"enum": values.split()}
    return Meta(description=meaning, examples=list(example or values.split()[:1]) or None, **more)


def moment(meaning: str, example: str | None = "2026-01-20T10:30:00.000Z") -> Meta:
    """Document a time: RFC 3339, with milliseconds in responses."""
    return Meta(description=meaning, examples=[example] if example else None, extra_json_schema={"format": "date-time"})


Id = Annotated[UUID, doc("Session id.", SESSION_ID)]
OrgId = Annotated[str, doc("The org; equals the token's `org_id`.", "acme")]
ErasureId = Annotated[UUID, doc("Id of the erasure.", EVENT_ID)]
ErasureReason = Annotated[str, doc("Number of the ticket that was given; empty if none was.", "DSR-118")]
ErasureState = Annotated[
    str,
    doc(
        "`hidden` once nothing shows it; `swept` once no table holds it, nor the log of `up`; `certified` once a check "
        "of every generation and of each copy of the log found nothing left.",
        values="certified hidden recorded swept",
    ),
]
RunId = Annotated[UUID, doc("Run that the session belongs to.", RUN_ID)]
ThreadId = Annotated[UUID, doc("Thread: the sessions that continue each other by resume, fork or compact.", THREAD_ID)]
ExternalId = Annotated[str, doc("The client's id; a create with the same one returns the same session.", "issue-1024")]
UserId = Annotated[str, doc("User id: the `sub` of the user's token.", "alice")]
ProjectId = Annotated[str, doc("Project id, set by the client.", "prj_1")]
RepositoryId = Annotated[str, doc("Repository id, set by the client.", "repo_abc123")]
Repo = Annotated[str, doc("Repository slug, derived from `remote_url`.", "acme/backend")]
RemoteUrl = Annotated[str, doc("Git remote URL, stored without credentials.", "git@github.com:acme/backend")]
Component = Annotated[str, doc("Part of the repository that the session works on.", "api")]
Branch = Annotated[str, doc("Branch that the session works on.", "main")]
AgentName = Annotated[str, doc("Agent that runs the session.", "reviewer")]
Model = Annotated[str, doc("Model name.", "claude-sonnet-4-5")]
Title = Annotated[str, doc("Title, for display.", "Retry the upload")]
Summary = Annotated[str, doc("Result of the session, written by the client.", "The upload retries; tests pass.")]
Sensitive = Annotated[bool, doc("Whether only counts, tokens and times are stored, and no content.", False)]
Status = Annotated[str, doc("`active` until the first end request, then `ended`.", values="ended active")]
OUTCOME = doc("How the session ended, by its first end request.", values="success failure timeout cancelled")
Outcome = Annotated[str, OUTCOME]
StartedAt = Annotated[str, moment("Start time.")]
EndedAt = Annotated[str, moment("End time.", "2026-01-20T10:43:32.400Z")]
LastEventAt = Annotated[str, moment("Time of the latest event.", "2026-01-20T10:43:31.000Z")]
ReceivedAt = Annotated[str, moment("Time at which the service accepted it.", "2026-01-20T10:30:00.120Z")]
InputTokens = Annotated[int, doc("Input tokens, excluding cache reads and cache writes.", 15_000)]
OutputTokens = Annotated[int, doc("Output tokens.", 3000)]
CacheReadTokens = Annotated[int, doc("Tokens read from the prompt cache.", 120_000)]
CacheCreationTokens = Annotated[int, doc("Tokens written to the prompt cache.", 8000)]
CacheCreation1hTokens = Annotated[int, doc("Part of `cache_creation_tokens` with a lifetime of one hour.", 0)]
CostUsd = Annotated[float, doc("Cost in US dollars, exact to 9 decimals.", 0.045)]
TOTALS = {"input_tokens": 15_000, "output_tokens": 3_000, "cost_usd": 0.045}
MODEL_METRICS = doc("Running totals. A later report replaces an earlier one entirely.", TOTALS)
Tokens = Annotated[int, doc("Sum of input, output, cache read and cache creation tokens.", 146_000)]
Events = Annotated[int, doc("Number of hook events; each event id counts once.", 99)]
ToolCalls = Annotated[int, doc("Number of tool calls.", 41)]
UnknownEvents = Annotated[int, doc("Number of events whose type is not one of the known types.", 0)]
ToolName = Annotated[str, doc("Tool name.", "Bash")]
Calls = Annotated[int, doc("Number of calls.", 12)]
Errors = Annotated[int, doc("Number of failed calls.", 1)]
TotalDurationMs = Annotated[int, doc("Total duration of all calls, in milliseconds.", 15_300)]
EventId = Annotated[UUID, doc("Event id, unique in its session. An event that is sent again counts once.", EVENT_ID)]
EventType = Annotated[str, doc("Hook event type. Events of unknown types are stored too.", "PostToolUse")]
Timestamp = Annotated[str, moment("Time of the event: 2000-01-01 to 24 h ahead of the server.", "2026-01-20T10:30:00Z")]
Seq = Annotated[int, doc("Sequence number set by the client. It is stored, and does not affect the order.", 17)]
EventData = Annotated[
    Raw,
    doc(
        "Payload: any JSON object, stored byte for byte after redaction.",
        {"tool_name": "Bash", "tool_use_id": "toolu_01", "duration_ms": 1250},
        extra_json_schema={"type": "object"},
    ),
]
UnknownShare = Annotated[float, doc("Share of the events whose type is unknown, 0 to 1.", 0.0)]
ClientVersion = Annotated[str, doc("Version of the coding agent.", "2.1.332")]
LinesAdded = Annotated[int, doc("Lines of code added.", 12)]
LinesRemoved = Annotated[int, doc("Lines of code removed.", 3)]
Commits = Annotated[int, doc("Commits made.", 1)]
PullRequests = Annotated[int, doc("Pull requests opened.", 0)]
ActiveSeconds = Annotated[float, doc("Seconds in which the agent or its user was active.", 412.5)]
AgentId = Annotated[str, doc("Id of the agent inside the session.", "a1b2c3d4")]
CompactionId = Annotated[UUID, doc("Digest id. Requests with the same `Idempotency-Key` return the same id.", EVENT_ID)]
Command = Annotated[str, doc("Shell command, in one line.", "make test")]
Runs = Annotated[int, doc("Number of runs.", 4)]
Failures = Annotated[int, doc("Number of failed runs.", 1)]
AgentType = Annotated[str, doc("Subagent type.", "code-reviewer")]
Truncated = Annotated[bool, doc("Whether the list is incomplete.", False)]
Sessions = Annotated[int, doc("Number of sessions.", 120)]
TotalCostUsd = Annotated[float, doc("Cost in US dollars, exact to 9 decimals.", 12.345678901)]
AvgDurationSeconds = Annotated[float, doc("Mean duration of the ended sessions, in seconds.", 812.4)]
ToolErrorRate = Annotated[float, doc("Tool errors divided by tool calls.", 0.048)]
CostShare = Annotated[float, doc("Share of the total cost, from 0 to 1.", 0.42)]
Reason = Annotated[str, doc("Why the record could not be projected.", "not a record: JSON is malformed")]
Partition = Annotated[int, doc("Log partition.", 2)]
LogEnd = Annotated[int, doc("Next offset of the log.", 1842)]
Projected = Annotated[int, doc("Next offset to project. The tables contain everything below it.", 1842)]
RollupsCompleteThrough = Annotated[str, moment("Analytics include everything accepted before this time.")]
Missing = Annotated[int, doc("Number of positions without a receipt.", 0)]
RollupQuarters = Annotated[int, doc("Number of buckets of a quarter of an hour.", 388)]
RollupDays = Annotated[int, doc("Number of daily buckets.", 31)]
At = Annotated[str, moment("Time of the event.")]
Generation = Annotated[str, doc("Name of the generation that the work is about; empty for prices.", "g2")]
RequestedBy = Annotated[str, doc("User who requested it.", "operator")]
AcceptDifferences = Annotated[bool, doc("Whether a switch accepts the differences that the last proof lists.", False)]
CompleteThrough = Annotated[str, moment("The response includes everything accepted before this time.")]
LagRecords = Annotated[int, doc("Number of log records not yet projected.", 0)]
StartDate = Annotated[date, doc("First day (inclusive). Default: 29 days before `end_date`.", "2026-01-01")]
EndDate = Annotated[date, doc("Last day (inclusive). Default: today.", "2026-01-30")]
TimeZone = Annotated[
    str, doc("Time zone of days, weeks and hours, as in the IANA database. Default: UTC.", "Europe/Berlin")
]
PAGE = doc("Page number, starting at 1. A page past the end is empty.", 1)
PER_PAGE = doc("Number of items per page.", 25)
