"""What each name of the API means, with an example: said once, for every body, reply and parameter that has it.

A name means the same everywhere; where it can't, ``Struct.field`` has a term of its own. A test asks for a term for
every name that a route shows.
"""

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """The meaning of a name, a value that it could have, and what a plain string keeps to."""

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


def _count(meaning: str, example: int) -> Entry:
    return Entry(meaning, example)


_IDENTITY = {
    "org_id": Entry("The org that owns the session: the `org_id` of the token.", "acme"),
    "session_id": _id("A session (in the hierarchy: a conversation), as create answered it.", SESSION_ID),
    "id": _id("The session's id.", SESSION_ID),
    "run_id": _id("The run that the session belongs to; a create without one begins a new run.", RUN_ID),
    "thread_id": _id("The thread of sessions that continue each other by resume, fork or compact.", THREAD_ID),
    "parent_id": _id("The session that this one follows from.", SESSION_ID),
    "relation": Entry("How it follows from its parent.", "resume", values=("resume", "fork", "clear", "compact")),
    "external_id": Entry("The client's own id of the session; it makes a repeated create harmless.", "claude-5f1c9f4a"),
    "user_id": Entry("The user: the `sub` of their token.", "alice"),
    "project_id": Entry("The project, as the client names it.", "prj_1"),
    "repository_id": Entry("The repository, as the client names it.", "repo_abc123"),
    "repo": Entry("The repository's slug, taken from `remote_url`.", "acme/backend"),
    "remote_url": Entry("The remote of the repository, without credentials.", "git@github.com:acme/backend"),
    "component": Entry("The part of the repository that is worked on.", "api"),
    "branch": Entry("The branch that is worked on.", "main"),
    "agent_name": Entry("The agent that runs the session.", "reviewer"),
    "model": Entry("The model.", "claude-sonnet-4-5"),
    "title": Entry("A title for people.", "Retry the upload"),
    "summary": Entry("What came of it, in the client's words.", "The upload retries with back-off; tests pass."),
    "trigger": Entry("What began it.", "interactive", values=("interactive", "headless", "scheduled", "import")),
    "sensitive": Entry("Whether only counts, tokens and times are kept, and no content.", False),
    "position": Entry("A place in the log, `<partition>:<offset>`: everything up to it is in the answer.", "2:1841"),
}

_LIFE = {
    "CreateSession.started_at": _time("For imports: 2000-01-01 to 24 h ahead; else it begins when it is received."),
    "EndSession.ended_at": _time("For imports; else it ends when that is received."),
    "HookEvent.position": Entry("Where its record stands in the log.", "2:1841"),
    "status": Entry("`active` until the first end, then `ended`.", "ended", values=("active", "ended")),
    "outcome": Entry(
        "How it ended; the first end wins.", "success", values=("success", "failure", "timeout", "cancelled")
    ),
    "started_at": _time("When it began."),
    "ended_at": _time("When it ended.", "2026-01-20T10:43:32.400Z"),
    "last_event_at": _time("The latest time of any of its events.", "2026-01-20T10:43:31.000Z"),
    "received_at": _time("When the service accepted it.", "2026-01-20T10:30:00.120Z"),
    "duration_seconds": Entry("From the start to the end, else to the last event; never below 0.", 812.4),
    "duration_ms": Entry("How long it took, in milliseconds.", 1250),
    "last_active_at": _time("The latest activity.", "2026-01-20T10:43:31.000Z"),
    "started_after": _time("Only sessions that started at this time or later.", "2026-01-01T00:00:00Z"),
    "started_before": _time("Only sessions that started before this time.", "2026-02-01T00:00:00Z"),
    "reported_at": _time("When the totals were taken; the later report stands, whatever arrives last."),
    "requested_at": _time("When it was asked for."),
    "stored_at": _time("When it was in the tables.", "2026-01-20T10:30:00.480Z"),
    "period_start": _time("Where the hour, day or week (its Monday) begins.", "2026-01-19T00:00:00.000Z"),
}

_TOTALS = {
    "model_metrics": Entry("Running totals of tokens and cost. A later report replaces an earlier one entirely.", None),
    "models": Entry("The same totals by model.", None),
    "input_tokens": _count("Input tokens, those of the caches not among them.", 15_000),
    "output_tokens": _count("Output tokens.", 3_000),
    "cache_read_tokens": _count("Tokens read from the prompt cache.", 120_000),
    "cache_creation_tokens": _count("Tokens written to the prompt cache.", 8_000),
    "cache_creation_1h_tokens": _count("Of the tokens written to the cache, those written for an hour.", 0),
    "cost_usd": Entry("Cost in US dollars, a decimal number, exact to 9 decimals.", 0.045),
    "cost_source": Entry(
        "`reported` by the client, `priced` from the price table, or `unknown`: no price is known.",
        "reported",
        values=("reported", "priced", "unknown"),
    ),
    "tokens": _count("Input, output, cache read and cache creation tokens together.", 146_000),
    "counts": Entry("What happened, counted.", None),
    "events": _count("Hook events, each event id once.", 99),
    "prompts": _count("Prompts of the user.", 4),
    "tool_calls": _count("Uses of tools.", 41),
    "tool_errors": _count("Uses of tools that failed.", 2),
    "tasks": _count("Tasks that were created or completed.", 3),
    "subagents": _count("Agents that worked inside the session.", 1),
    "compactions": _count("How often the context was compacted.", 0),
    "unknown_events": _count("Events of a type that is none of the known 33.", 0),
    "tools": Entry("The use of each tool.", None),
    "tool_name": Entry("The tool.", "Bash"),
    "calls": _count("How often it was used.", 12),
    "errors": _count("How often it failed.", 1),
    "total_duration_ms": _count("How long its uses took together, in milliseconds.", 15_300),
    "redactions": Entry("How many secrets were replaced before anything was stored, by rule.", {"aws_access_key": 1}),
}

_EVENTS = {
    "RecordEvents.events": Entry("1 to 5,000 events; an invalid one does not refuse its neighbours.", None),
    "event_id": _id("Identity of the event in its session: sent again, it counts once.", EVENT_ID),
    "event_type": Entry("The hook event; one that is not known by name is stored just the same.", "PostToolUse"),
    "timestamp": _time("When it happened: 2000-01-01 to 24 h ahead of the server.", "2026-01-20T10:30:00Z"),
    "seq": _count("A number of the client's; stored, not used for order.", 17),
    "data": Entry(
        "The payload: any JSON object, kept byte for byte after redaction.",
        {"tool_name": "Bash", "tool_use_id": "toolu_01", "duration_ms": 1250},
    ),
    "agent_id": Entry("The agent inside the session.", "a1b2c3d4"),
    "accepted": _count("How many events are durable in the log now.", 99),
    "rejected": Entry("The events that were refused.", None),
    "index": _count("Where it stood in the request, from 0.", 3),
    "RejectedEvent.code": Entry("What is wrong, for programs.", "timestamp_out_of_range"),
    "RejectedEvent.error": Entry("What is wrong, for people.", "timestamp is more than 24 hours ahead"),
}

_DERIVED = {
    "compaction_id": _id("Names this digest, the same in every copy of the call.", EVENT_ID),
    "QueuedCompaction.status": Entry("The digest is made in the background.", "queued", values=("queued",)),
    "instructions": Entry(
        """What the digest should pay attention to: it stands near its head, and what has one of its words (of four
        letters or more) in it is kept before everything else.""",
        "Keep the failing tests.",
    ),
    "max_characters": _count("How long the digest may be, 200 to 100,000 characters (Unicode code points).", 8_000),
    "requested_at": _time("When the digest was asked for."),
    "Compaction.status": Entry("Whether the digest is made yet.", "done", values=("queued", "done")),
    "covered_events": _count("How many events came before the request; null while it is queued.", 99),
    "digest": Entry(
        """What happened up to the request, in Markdown, fit to be handed to a new session; null while it is queued. Of
        a sensitive session it has numbers and times alone.""",
        "# Session so far: Retry the upload\n…\n\n## Asked for\n1. Make the upload retry with back-off.",
    ),
    "SessionAnalysis.status": Entry(
        "`none` before the session has ended, `queued` until the analysis is made.",
        "done",
        values=("none", "queued", "done"),
    ),
    "findings": Entry("What was found as of the session's latest end; null until it is `done`.", None),
    "time_split": Entry("Where the time between the first and the last event went; the parts add up.", None),
    "total_ms": _count("Milliseconds from the first to the last event.", 812_400),
    "tools_ms": _count("… in which a tool was running.", 320_500),
    "model_ms": _count("… in which the model was at work.", 410_000),
    "waiting_for_user_ms": _count("… in which it was the user's turn.", 81_900),
    "idle_ms": _count("… without any event for more than ten minutes at a time, and without a tool running.", 0),
    "tool_error_rates": Entry("How often each tool failed, the most errors first.", None),
    "error_rate": Entry("Errors by calls; null for errors whose calls are not known.", 0.083),
    "repeated_commands": Entry("Shell commands that ran more than once, the most runs first.", None),
    "command": Entry("The command, in one line.", "make test"),
    "runs": _count("How often it ran.", 4),
    "failures": _count("How often it failed.", 1),
    "files_edited": Entry("Files that were written or edited, the most edits first.", None),
    "path": Entry("The file, as the tool was told.", "src/upload.py"),
    "edits": _count("How many edits of it succeeded.", 3),
    "tests_run": Entry("Commands that run tests, the most runs first.", None),
    "last_failed": Entry("Whether the latest run that came to an end did not pass.", False),
    "longest_gaps": Entry("The longest times without any event, five at most.", None),
    "Gap.started_at": _time("The time of the event before it."),
    "Gap.ended_at": _time("The time of the event after it.", "2026-01-20T10:31:21.900Z"),
    "Gap.duration_ms": _count("How long it was, in milliseconds.", 81_900),
    "Gap.after": Entry("The type of the event before it.", "Stop"),
    "Gap.before": Entry("The type of the event after it.", "UserPromptSubmit"),
    "suggested_title": Entry("A title that would fit: what was asked for first, in a line.", "Retry the upload"),
}

_HIERARCHY = {
    "Run.id": _id("The run's id; null for a conversation without one.", RUN_ID),
    "Run.started_at": _time("When its first conversation began."),
    "Run.ended_at": _time("When the last of its conversations ended; null while one goes on."),
    "Conversation.tasks": Entry("Subagents, tasks and uses of tools, by time.", None),
    "TaskNode.id": Entry("The client's own id: of the agent, of the task, or of the use of the tool.", "toolu_01"),
    "TaskNode.status": Entry(
        "`unknown` where its beginning was never seen.",
        "completed",
        values=("running", "completed", "failed", "unknown"),
    ),
    "TaskNode.started_at": _time("When it began; null where that was never seen."),
    "TaskNode.ended_at": _time("When it ended; null while it runs, or where that was never seen."),
    "run": Entry("The run with everything in it.", None),
    "conversations": Entry("Sessions, as far as the caller may see them.", None),
    "totals": Entry("Totals over those sessions.", None),
    "kind": Entry("What kind of node it is.", "tool", values=("subagent", "task", "tool")),
    "name": Entry("The subagent's type, the task's subject, or the tool's name.", "Bash"),
    "agent_type": Entry("The type of a subagent.", "code-reviewer"),
    "parent_task_id": Entry("The node that this one belongs to.", "a1b2c3d4"),
    "children": Entry("What happened inside.", []),
    "truncated": Entry("Whether there is more than is listed.", False),
    "highlights": Entry("Where the words were found.", None),
    "field": Entry(
        "Which of the session's texts it is.",
        "summary",
        values=("summary", "title", "repo", "agent", "branch", "component", "project", "model", "prompts"),
    ),
    "text": Entry("A piece of it, the words between « and ».", "The «upload» retries with back-off"),
}

_ANALYTICS = {
    "total_sessions": _count("Sessions that started in these days.", 120),
    "active_sessions": _count("Of them, those that have not ended.", 3),
    "ended_sessions": _count("Of them, those that have ended.", 117),
    "failed_sessions": _count("Of them, those with outcome failure or timeout.", 9),
    "sessions": _count("Sessions.", 120),
    "total_cost_usd": Entry("Cost in US dollars, exact to 9 decimals.", 12.345678901),
    "total_tokens": _count("All tokens together.", 1_460_000),
    "avg_duration_seconds": Entry("Mean duration of the ended sessions.", 812.4),
    "avg_cost_usd_per_session": Entry("Mean cost of a session, in US dollars.", 0.102880657),
    "unique_users": _count("Users with a session in these days.", 7),
    "users": _count("Users with a session in these days.", 7),
    "active_users": _count("Users with a session in these days.", 7),
    "tool_error_rate": Entry("Tool errors by tool calls.", 0.048),
    "cost_share": Entry("Its part of the total cost, from 0 to 1.", 0.42),
    "value": Entry("The metric in this period; 0 where nothing happened.", 3),
    "by_model": Entry("The cost by model, the costliest first.", None),
    "by_project": Entry("The cost by project, the costliest first.", None),
    "by_user": Entry("The cost by user, the costliest first; whom the caller may not see is not listed.", None),
    "top_agent": Entry("The agent used most often.", "reviewer"),
    "current": Entry("The days that were asked for.", None),
    "previous": Entry("The equally long time before them.", None),
    "change": Entry("Relative change from `previous` to `current`: 0.12 is 12 % more.", {"sessions": 0.12}),
    "sessions_per_user": Entry("Sessions by active users.", 17.1),
    "outcomes": Entry("How the sessions ended.", None),
    "success": _count("Sessions with this outcome.", 90),
    "failure": _count("Sessions with this outcome.", 7),
    "timeout": _count("Sessions with this outcome.", 2),
    "cancelled": _count("Sessions with this outcome.", 4),
    "none": _count("Sessions without an outcome.", 17),
    "top_agents": Entry("The agents used most.", None),
    "top_projects": Entry("The projects with most sessions.", None),
    "busiest_hours": Entry("Sessions started, by weekday (Monday first) and hour of the day, in UTC.", [[0] * 24] * 7),
    "projects": Entry("The projects that occur, most used first.", ["prj_1"]),
    "repos": Entry("The repositories that occur, most used first.", ["acme/backend"]),
    "agents": Entry("The agents that occur, most used first.", ["reviewer"]),
    "FilterValues.models": Entry("The models that occur, most used first.", ["claude-sonnet-4-5"]),
    "FilterValues.users": Entry("The users that occur, most used first; empty for members and viewers.", ["alice"]),
}

_ERROR = {
    "error": Entry("What is wrong, in one sentence.", "There is nothing here under this address."),
    "code": Entry("What is wrong, for programs.", "not_found"),
    "details": Entry("What is wrong with which field.", {"per_page": ["must be at most 100"]}),
    "request_id": Entry("The id of the request, as in `X-Request-Id`.", "cli-7f3a"),
}

_AUDIT = {
    "Receipt.outcome": Entry(
        "`projected`, `dead` (`reason` says why) or `waiting`.", "projected", values=("projected", "dead", "waiting")
    ),
    "Receipt.position": Entry("The position that was asked for.", "2:1841"),
    "facts": _count("How many facts the record holds.", 99),
    "added": _count("How many of them were new.", 99),
    "reason": Entry("Why it could not be projected.", "no JSON"),
    "DeadLetter.position": Entry("Where the record stands in the log.", "2:1841"),
    "WholeDeadLetter.position": Entry("Where the record stands in the log.", "2:1841"),
    "RedrivenDeadLetter.position": Entry("Where the dead letter stands in the log.", "2:1841"),
    "RedrivenDeadLetter.redriven_to": Entry("Where its record stands once more.", "2:1990"),
    "logged_at": _time("When the record came into the log, by the log's own clock."),
    "size": _count("Bytes of the record's value.", 512),
    "redriven_to": Entry("The positions at which it was appended again.", ["2:1990"]),
    "key_base64": Entry("The record's key, in base64.", "Cz1cHnpST/A="),
    "value_base64": Entry("The record's value, in base64.", "bm9ib2R5IGNhbiByZWFkIHRoaXM="),
    "WholeDeadLetter.text": Entry("The value, where it is text.", "nobody can read this"),
    "record": Entry("The record as it should be, with the ids it has; without one it is appended as it is.", None),
    "partition": _count("Partition of the log.", 2),
    "log_end": _count("The next offset of the log.", 1842),
    "projected": _count("The next offset to project; everything below it is in the tables.", 1842),
    "PartitionCoverage.projected": _count("Positions that were projected.", 1842),
    "lag": _count("Records that wait to be projected.", 0),
    "age_seconds": Entry("How long ago `complete_through` was.", 0.7),
    "complete": Entry("Whether every position has its receipt.", True),
    "positions": _count("Positions of the log.", 7_368),
    "missing": _count("Positions without a receipt.", 0),
    "partitions": Entry("Each partition of the log.", None),
    "first": _count("The first position with a receipt.", 0),
    "end": _count("Where the positions end that must have a receipt.", 1842),
    "count": _count("Positions with a receipt.", 1842),
    "dead": _count("Positions whose record could not be projected.", 0),
    "gaps": Entry("Positions without a receipt, as `[start, stop)`; 1,000 at most.", []),
    "equal": Entry("Whether no difference was found.", True),
    "compared": Entry("How many rows were compared.", None),
    "Compared.sessions": _count("Sessions that were recounted.", 120),
    "Compared.events": _count("Events that were counted.", 5_940),
    "moving": Entry("How many rows were still being written to at every look.", None),
    "Moving.sessions": _count("Sessions that were still being written to.", 0),
    "rollup_hourly": _count("Hourly rollups.", 40),
    "rollup_daily": _count("Daily rollups.", 12),
    "differences": Entry("What differs; 1,000 at most.", []),
    "table": Entry("The table.", "rollup_hourly"),
    "key": Entry("The row.", {"org_id": "acme"}),
    "column": Entry("The column.", "cost_nano"),
    "stored": Entry("What the table holds.", 1),
    "recounted": Entry("What the recount says.", 2),
}

_META = {
    "Meta.position": Entry(
        "Where the write stands in the log; the last place, where it became several records.", "2:1841"
    ),
    "current_page": _count("The page that this is, from 1.", 1),
    "per_page": _count("How many items a page has.", 25),
    "total_pages": _count("How many pages there are.", 5),
    "total_count": _count("How many items there are on all pages.", 120),
    "next_cursor": Entry("Ask for the next items with it; null at the end.", None),
    "complete_through": _time("Everything accepted before this time is in the answer."),
    "lag_records": _count("Records of the log that wait to be projected.", 0),
}

_PARAMETERS = {
    "page": _count("Which page, from 1; one past the end is empty.", 1),
    "cursor": Entry("`meta.next_cursor` of the page before; bound to this session.", None),
    "current_user_only": Entry("Only the caller's own sessions.", True),
    "sort": Entry("What the list is ordered by; `-` is descending.", "-started_at"),
    "start_date": Entry("The first day, included (UTC); by default 29 days before the last.", "2026-01-01", "date"),
    "end_date": Entry("The last day, included (UTC); by default today.", "2026-01-30", "date"),
    "interval": Entry("How long a period is; weeks begin on Monday.", "day"),
    "metric": Entry("What is counted.", "sessions"),
    "q": Entry('Whole words that must all occur, or a `"quoted phrase"`; without case and accents.', "upload retry"),
    "include": Entry("`tools` adds a node for each use of a tool.", "tools"),
    "after": _time("Only events at this time or later.", "2026-01-20T10:00:00Z"),
    "before": _time("Only events before this time.", "2026-01-20T11:00:00Z"),
}

GLOSSARY: dict[str, Entry] = {
    **_IDENTITY,
    **_LIFE,
    **_TOTALS,
    **_EVENTS,
    **_DERIVED,
    **_HIERARCHY,
    **_ANALYTICS,
    **_ERROR,
    **_AUDIT,
    **_META,
    **_PARAMETERS,
}


def entry_for(name: str, owner: str = "") -> Entry | None:
    """The term of ``name`` as the struct ``owner`` uses it."""
    return GLOSSARY.get(f"{owner}.{name}") or GLOSSARY.get(name)
