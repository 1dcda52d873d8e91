"""The meaning and an example of every field and parameter of the API.

Each name has one entry for all bodies, responses and parameters. Where a field's meaning differs, ``Struct.field`` has
its own entry. A test requires an entry for every documented name.
"""

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A name's meaning and example; for plain strings also the format or the allowed values."""

    meaning: str
    example: Any
    format: str | None = None
    values: tuple[str, ...] = ()


SESSION_ID = "0b3d5c1e-7a52-4f0e-9c41-5d2f8a9b6c30"
RUN_ID = "5f1c9f4a-2d36-4b57-8e0c-1a7d3b9e6f24"
THREAD_ID = "c2a7e0d8-9b14-4c6f-a3e5-7f8d1b2c4e69"
EVENT_ID = "9f8b7a6c-5d4e-4f3a-8b2c-1d0e9f8a7b6c"


def _time(meaning: str, example: str = "2026-01-20T10:30:00.000Z") -> Entry:
    return Entry(meaning, example, "date-time")


def _id(meaning: str, example: str) -> Entry:
    return Entry(meaning, example, "uuid")


GLOSSARY: dict[str, Entry] = {
    # Sessions
    "org_id": Entry("The org that owns the session; equals the token's `org_id`.", "acme"),
    "session_id": _id("Session id, as returned by create. In the hierarchy: a conversation.", SESSION_ID),
    "id": _id("Session id.", SESSION_ID),
    "run_id": _id("Run that the session belongs to. A create request without `run_id` starts a new run.", RUN_ID),
    "thread_id": _id("Thread: the sessions that continue each other by resume, fork or compact.", THREAD_ID),
    "parent_id": _id("Session that this one continues.", SESSION_ID),
    "relation": Entry("How the session continues its parent.", "resume", values=("resume", "fork", "clear", "compact")),
    "external_id": Entry(
        "The client's id for the session. A repeated create returns the same session.",
        "claude-5f1c9f4a",
    ),
    "user_id": Entry("User id: the `sub` of the user's token.", "alice"),
    "project_id": Entry("Project id, set by the client.", "prj_1"),
    "repository_id": Entry("Repository id, set by the client.", "repo_abc123"),
    "repo": Entry("Repository slug, derived from `remote_url`.", "acme/backend"),
    "remote_url": Entry("Git remote URL, stored without credentials.", "git@github.com:acme/backend"),
    "component": Entry("Part of the repository that the session works on.", "api"),
    "branch": Entry("Branch that the session works on.", "main"),
    "agent_name": Entry("Agent that runs the session.", "reviewer"),
    "model": Entry("Model name.", "claude-sonnet-4-5"),
    "title": Entry("Title, for display.", "Retry the upload"),
    "summary": Entry("Result of the session, written by the client.", "The upload retries with back-off; tests pass."),
    "trigger": Entry(
        "Origin of the session.", "interactive", values=("interactive", "headless", "scheduled", "import")
    ),
    "sensitive": Entry("Whether only counts, tokens and times are stored, and no content.", False),
    "position": Entry("Log position `<partition>:<offset>`. The response includes every record up to it.", "2:1841"),
    # Status and times
    "CreateSession.started_at": _time("Start time, for imports: 2000-01-01 to 24 h ahead. Default: time of receipt."),
    "EndSession.ended_at": _time("End time, for imports. Default: time of receipt."),
    "HookEvent.position": Entry("Log position of the record that holds the event.", "2:1841"),
    "status": Entry("`active` until the first end request, then `ended`.", "ended", values=("active", "ended")),
    "outcome": Entry(
        "How the session ended, as given by the first end request.",
        "success",
        values=("success", "failure", "timeout", "cancelled"),
    ),
    "started_at": _time("Start time."),
    "ended_at": _time("End time.", "2026-01-20T10:43:32.400Z"),
    "last_event_at": _time("Time of the latest event.", "2026-01-20T10:43:31.000Z"),
    "received_at": _time("Time at which the service accepted it.", "2026-01-20T10:30:00.120Z"),
    "duration_seconds": Entry("Seconds from start to end, or to the last event before the end; at least 0.", 812.4),
    "duration_ms": Entry("Duration in milliseconds.", 1250),
    "last_active_at": _time("Time of the latest activity.", "2026-01-20T10:43:31.000Z"),
    "started_after": _time("Return only sessions that started at or after this time.", "2026-01-01T00:00:00Z"),
    "started_before": _time("Return only sessions that started before this time.", "2026-02-01T00:00:00Z"),
    "reported_at": _time("Time of the totals. The latest `reported_at` wins, in any order of arrival."),
    "stored_at": _time("Time at which the record was visible in the tables.", "2026-01-20T10:30:00.480Z"),
    "period_start": _time("Start of the hour, day or week (weeks start on Monday).", "2026-01-19T00:00:00.000Z"),
    # Totals and counts
    "model_metrics": Entry("Running totals of tokens and cost. A later report replaces an earlier one entirely.", None),
    "models": Entry("The same totals for each model.", None),
    "input_tokens": Entry("Input tokens, excluding cache reads and cache writes.", 15_000),
    "output_tokens": Entry("Output tokens.", 3_000),
    "cache_read_tokens": Entry("Tokens read from the prompt cache.", 120_000),
    "cache_creation_tokens": Entry("Tokens written to the prompt cache.", 8_000),
    "cache_creation_1h_tokens": Entry("Part of `cache_creation_tokens` with a lifetime of one hour.", 0),
    "cost_usd": Entry("Cost in US dollars, exact to 9 decimals.", 0.045),
    "cost_source": Entry(
        "`reported` by the client, `priced` from the price table, or `unknown` if no price is known.",
        "reported",
        values=("reported", "priced", "unknown"),
    ),
    "tokens": Entry("Sum of input, output, cache read and cache creation tokens.", 146_000),
    "counts": Entry("Counts of what happened in the session.", None),
    "events": Entry("Number of hook events; each event id counts once.", 99),
    "prompts": Entry("Number of user prompts.", 4),
    "tool_calls": Entry("Number of tool calls.", 41),
    "tool_errors": Entry("Number of tool calls that failed.", 2),
    "tasks": Entry("Number of tasks that were created or completed.", 3),
    "subagents": Entry("Number of subagents that worked in the session.", 1),
    "compactions": Entry("Number of context compactions.", 0),
    "unknown_events": Entry("Number of events whose type is not one of the 33 known types.", 0),
    "tools": Entry("Usage of each tool.", None),
    "tool_name": Entry("Tool name.", "Bash"),
    "calls": Entry("Number of calls.", 12),
    "errors": Entry("Number of failed calls.", 1),
    "total_duration_ms": Entry("Total duration of all calls, in milliseconds.", 15_300),
    "redactions": Entry("Number of secrets replaced before storage, by rule.", {"aws_access_key": 1}),
    # Events
    "RecordEvents.events": Entry("1 to 5,000 events. Invalid events are rejected, the others stored.", None),
    "event_id": _id("Event id, unique in its session. An event that is sent again counts once.", EVENT_ID),
    "event_type": Entry("Hook event type. Events of unknown types are stored, too.", "PostToolUse"),
    "timestamp": _time("Time of the event: 2000-01-01 to 24 h ahead of the server.", "2026-01-20T10:30:00Z"),
    "seq": Entry("Sequence number set by the client. It is stored, and does not affect the order.", 17),
    "data": Entry(
        "Payload: any JSON object. It is stored byte for byte, after redaction.",
        {"tool_name": "Bash", "tool_use_id": "toolu_01", "duration_ms": 1250},
    ),
    "agent_id": Entry("Id of the agent inside the session.", "a1b2c3d4"),
    "accepted": Entry("Number of events that are now durable in the log.", 99),
    "rejected": Entry("Events that were rejected.", None),
    "index": Entry("Index of the event in the request, starting at 0.", 3),
    "RejectedEvent.code": Entry("Machine-readable reason for the rejection.", "timestamp_out_of_range"),
    "RejectedEvent.error": Entry("Reason for the rejection, in words.", "timestamp is more than 24 hours ahead"),
    # Digests and analyses
    "compaction_id": _id("Digest id. Requests with the same `Idempotency-Key` return the same id.", EVENT_ID),
    "QueuedCompaction.status": Entry("The digest is made in the background.", "queued", values=("queued",)),
    "instructions": Entry(
        """Focus of the digest. The text appears near the top of the digest, and passages that contain one of its
        words (four letters or more) are kept first.""",
        "Keep the failing tests.",
    ),
    "max_characters": Entry("Maximum length of the digest: 200 to 100,000 characters (Unicode code points).", 8_000),
    "requested_at": _time("Time at which the digest was requested."),
    "Compaction.status": Entry("`queued` until the digest is made, then `done`.", "done", values=("queued", "done")),
    "covered_events": Entry("Number of events before the request; null while the digest is queued.", 99),
    "digest": Entry(
        """Digest of the session up to the request, in Markdown, ready to start a new session with; null while it is
        queued. The digest of a sensitive session contains only numbers and times.""",
        "# Session so far: Retry the upload\n…\n\n## Asked for\n1. Make the upload retry with back-off.",
    ),
    "SessionAnalysis.status": Entry(
        "`none` until the session has ended, `queued` until the analysis is made, then `done`.",
        "done",
        values=("none", "queued", "done"),
    ),
    "findings": Entry("Findings as of the session's latest end; null until the status is `done`.", None),
    "time_split": Entry("Time from the first to the last event; the parts add up to `total_ms`.", None),
    "total_ms": Entry("Milliseconds from the first to the last event.", 812_400),
    "tools_ms": Entry("Milliseconds during which a tool was running.", 320_500),
    "model_ms": Entry("Milliseconds during which the model was working.", 410_000),
    "waiting_for_user_ms": Entry("Milliseconds during which the session waited for the user.", 81_900),
    "idle_ms": Entry("Milliseconds in gaps of more than ten minutes without an event, while no tool ran.", 0),
    "tool_error_rates": Entry("Error rate of each tool, most errors first.", None),
    "error_rate": Entry("Errors divided by calls; null if the number of calls is unknown.", 0.083),
    "repeated_commands": Entry("Shell commands that ran more than once, most runs first.", None),
    "command": Entry("Shell command, in one line.", "make test"),
    "runs": Entry("Number of runs.", 4),
    "failures": Entry("Number of failed runs.", 1),
    "files_edited": Entry("Files that were written or edited, most edits first.", None),
    "path": Entry("Path passed to the tool.", "src/upload.py"),
    "edits": Entry("Number of successful edits.", 3),
    "tests_run": Entry("Commands that run tests, most runs first.", None),
    "last_failed": Entry("Whether the latest completed run failed.", False),
    "longest_gaps": Entry("The longest periods without an event, at most five.", None),
    "Gap.started_at": _time("Time of the event before the gap."),
    "Gap.ended_at": _time("Time of the event after the gap.", "2026-01-20T10:31:21.900Z"),
    "Gap.duration_ms": Entry("Length of the gap in milliseconds.", 81_900),
    "Gap.after": Entry("Type of the event before the gap.", "Stop"),
    "Gap.before": Entry("Type of the event after the gap.", "UserPromptSubmit"),
    "suggested_title": Entry("Suggested title: the first prompt, in one line.", "Retry the upload"),
    # Hierarchy and search
    "Run.id": _id("Run id; null for a conversation without a run.", RUN_ID),
    "Run.started_at": _time("Start of the first conversation."),
    "Run.ended_at": _time("End of the last conversation; null while a conversation is active."),
    "Conversation.tasks": Entry("Subagents, tasks and tool calls, ordered by time.", None),
    "TaskNode.id": Entry("The client's id of the agent, the task or the tool call.", "toolu_01"),
    "TaskNode.status": Entry(
        "Status of the node; `unknown` if its start was not recorded.",
        "completed",
        values=("running", "completed", "failed", "unknown"),
    ),
    "TaskNode.started_at": _time("Start time; null if it was not recorded."),
    "TaskNode.ended_at": _time("End time; null while it runs, or if it was not recorded."),
    "run": Entry("The run, with its conversations.", None),
    "conversations": Entry("Sessions that the caller may see.", None),
    "totals": Entry("Totals of those sessions.", None),
    "kind": Entry("Kind of node.", "tool", values=("subagent", "task", "tool")),
    "name": Entry("Subagent type, task subject or tool name.", "Bash"),
    "agent_type": Entry("Subagent type.", "code-reviewer"),
    "parent_task_id": Entry("Id of the parent node.", "a1b2c3d4"),
    "children": Entry("Nodes inside this one.", []),
    "truncated": Entry("Whether the list is incomplete.", False),
    "highlights": Entry("Passages that contain the words.", None),
    "field": Entry(
        "Text of the session in which the words occur.",
        "summary",
        values=("summary", "title", "repo", "agent", "branch", "component", "project", "model", "prompts"),
    ),
    "text": Entry("Passage, with the matching words between « and ».", "The «upload» retries with back-off"),
    # Analytics
    "total_sessions": Entry("Number of sessions that started in these days.", 120),
    "active_sessions": Entry("Number of these sessions that have not ended.", 3),
    "ended_sessions": Entry("Number of these sessions that have ended.", 117),
    "failed_sessions": Entry("Number of these sessions with outcome `failure` or `timeout`.", 9),
    "sessions": Entry("Number of sessions.", 120),
    "total_cost_usd": Entry("Cost in US dollars, exact to 9 decimals.", 12.345678901),
    "total_tokens": Entry("Sum of all tokens.", 1_460_000),
    "avg_duration_seconds": Entry("Mean duration of the ended sessions, in seconds.", 812.4),
    "avg_cost_usd_per_session": Entry("Mean cost per session, in US dollars.", 0.102880657),
    "unique_users": Entry("Number of users with a session in these days.", 7),
    "users": Entry("Number of users with a session in these days.", 7),
    "active_users": Entry("Number of users with a session in these days.", 7),
    "tool_error_rate": Entry("Tool errors divided by tool calls.", 0.048),
    "cost_share": Entry("Share of the total cost, from 0 to 1.", 0.42),
    "value": Entry("Value of the metric in this period; 0 if nothing happened.", 3),
    "by_model": Entry("Cost by model, highest first.", None),
    "by_project": Entry("Cost by project, highest first.", None),
    "by_user": Entry("Cost by user, highest first. Users whom the caller may not see are not listed.", None),
    "top_agent": Entry("Most used agent.", "reviewer"),
    "current": Entry("The requested days.", None),
    "previous": Entry("The period of equal length before the requested days.", None),
    "change": Entry("Relative change from `previous` to `current`: 0.12 means 12 % more.", {"sessions": 0.12}),
    "sessions_per_user": Entry("Sessions divided by active users.", 17.1),
    "outcomes": Entry("Number of sessions by outcome.", None),
    "success": Entry("Number of sessions with this outcome.", 90),
    "failure": Entry("Number of sessions with this outcome.", 7),
    "timeout": Entry("Number of sessions with this outcome.", 2),
    "cancelled": Entry("Number of sessions with this outcome.", 4),
    "none": Entry("Number of sessions without an outcome.", 17),
    "top_agents": Entry("Most used agents.", None),
    "top_projects": Entry("Projects with the most sessions.", None),
    "busiest_hours": Entry("Sessions started, by weekday (Monday first) and hour (UTC).", [[0] * 24] * 7),
    "projects": Entry("Projects of the org, most used first.", ["prj_1"]),
    "repos": Entry("Repositories of the org, most used first.", ["acme/backend"]),
    "agents": Entry("Agents of the org, most used first.", ["reviewer"]),
    "FilterValues.models": Entry("Models of the org, most used first.", ["claude-sonnet-4-5"]),
    "FilterValues.users": Entry("Users of the org, most active first; empty for members and viewers.", ["alice"]),
    # Errors
    "error": Entry("What is wrong, in one sentence.", "There is nothing here under this address."),
    "code": Entry("Machine-readable error code.", "not_found"),
    "details": Entry("Errors by field.", {"per_page": ["must be at most 100"]}),
    "request_id": Entry("Request id, as in `X-Request-Id`.", "cli-7f3a"),
    # Receipts, dead letters and checks
    "Receipt.outcome": Entry(
        "`projected`, `dead` (see `reason`) or `waiting`.", "projected", values=("projected", "dead", "waiting")
    ),
    "Receipt.position": Entry("The requested log position.", "2:1841"),
    "facts": Entry("Number of facts in the record.", 99),
    "added": Entry("Number of facts that were new.", 99),
    "reason": Entry("Why the record could not be projected.", "no JSON"),
    "DeadLetter.position": Entry("Log position of the record.", "2:1841"),
    "WholeDeadLetter.position": Entry("Log position of the record.", "2:1841"),
    "RedrivenDeadLetter.position": Entry("Log position of the dead letter.", "2:1841"),
    "RedrivenDeadLetter.redriven_to": Entry("Log position of the new copy of the record.", "2:1990"),
    "logged_at": _time("Time at which the log stored the record, by the log's clock."),
    "size": Entry("Size of the record's value in bytes.", 512),
    "redriven_to": Entry("Log positions of its later copies.", ["2:1990"]),
    "key_base64": Entry("Key of the record, in base64.", "Cz1cHnpST/A="),
    "value_base64": Entry("Value of the record, in base64.", "bm90IGEgcmVjb3Jk"),
    "WholeDeadLetter.text": Entry("Value of the record, if it is text.", "not a record"),
    "record": Entry("Corrected record, with the original ids. Default: the record is appended unchanged.", None),
    "partition": Entry("Log partition.", 2),
    "log_end": Entry("Next offset of the log.", 1842),
    "projected": Entry("Next offset to project. The tables contain everything below it.", 1842),
    "PartitionCoverage.projected": Entry("Number of projected positions.", 1842),
    "lag": Entry("Number of records not yet projected.", 0),
    "age_seconds": Entry("Seconds since `complete_through`.", 0.7),
    "complete": Entry("Whether every position has a receipt.", True),
    "positions": Entry("Number of log positions.", 7_368),
    "missing": Entry("Number of positions without a receipt.", 0),
    "partitions": Entry("Partitions of the log.", None),
    "first": Entry("First offset with a receipt.", 0),
    "end": Entry("End (exclusive) of the offsets that must have a receipt.", 1842),
    "count": Entry("Number of positions with a receipt.", 1842),
    "dead": Entry("Number of positions whose record could not be projected.", 0),
    "gaps": Entry("Ranges `[start, stop)` of positions without a receipt, at most 1,000.", []),
    "equal": Entry("Whether the recount found no difference.", True),
    "compared": Entry("Number of rows compared.", None),
    "Compared.sessions": Entry("Number of sessions recounted.", 120),
    "Compared.events": Entry("Number of events counted.", 5_940),
    "moving": Entry("Number of rows that changed during every attempt to compare them.", None),
    "Moving.sessions": Entry("Number of sessions that changed during every attempt.", 0),
    "rollup_hourly": Entry("Number of hourly rollup rows.", 40),
    "rollup_daily": Entry("Number of daily rollup rows.", 12),
    "differences": Entry("Differences, at most 1,000.", []),
    "table": Entry("Table name.", "rollup_hourly"),
    "key": Entry("Key of the row.", {"org_id": "acme"}),
    "column": Entry("Column name.", "cost_nano"),
    "stored": Entry("Value in the table.", 1),
    "recounted": Entry("Value from the recount.", 2),
    # Meta
    "Meta.position": Entry("Log position of the write, or the last one of several.", "2:1841"),
    "Meta.as_of": Entry("With `as_of`: log position of the last record that is included.", "2:1841"),
    "current_page": Entry("Number of this page, starting at 1.", 1),
    "per_page": Entry("Number of items per page.", 25),
    "total_pages": Entry("Number of pages.", 5),
    "total_count": Entry("Number of items on all pages.", 120),
    "next_cursor": Entry("Cursor of the next page; null on the last page.", None),
    "complete_through": _time("The response includes everything accepted before this time."),
    "lag_records": Entry("Number of log records not yet projected.", 0),
    # Query parameters
    "page": Entry("Page number, starting at 1. A page past the end is empty.", 1),
    "cursor": Entry("`meta.next_cursor` of the previous page; valid for the same session and filters only.", None),
    "as_of": Entry(
        "Return what was known at this log position, `<partition>:<offset>`, or at this RFC 3339 time with an offset: "
        "up to the last record that was received by then. A later point gives the current state. Records that added "
        "nothing do not count.",
        "2:1841",
    ),
    "current_user_only": Entry("Return only the caller's sessions.", True),
    "sort": Entry("Sort order; `-` means descending.", "-started_at"),
    "start_date": Entry("First day (UTC, inclusive). Default: 29 days before `end_date`.", "2026-01-01", "date"),
    "end_date": Entry("Last day (UTC, inclusive). Default: today.", "2026-01-30", "date"),
    "interval": Entry("Length of a period. Weeks start on Monday.", "day"),
    "metric": Entry("Metric to return.", "sessions"),
    "q": Entry('Whole words, all required, or a `"quoted phrase"`; ignores case and accents.', "upload retry"),
    "include": Entry("`tools` adds a node for each tool call.", "tools"),
    "after": _time("Return only events at or after this time.", "2026-01-20T10:00:00Z"),
    "before": _time("Return only events before this time.", "2026-01-20T11:00:00Z"),
}


def entry_for(name: str, owner: str = "") -> Entry | None:
    """Return the entry of ``name`` as used by the struct ``owner``; None if there is none."""
    return GLOSSARY.get(f"{owner}.{name}") or GLOSSARY.get(name)
