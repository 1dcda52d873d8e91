-- What is the whole state of these sessions of an org? One row each, in no order.
-- Table: sessions (key: org_id, started_hour, session_id); without the hours, the bloom filter on session_id
-- finds them. Few rows come from many granules; the last settings let two threads share them. Prompts are long, and are
-- read only on request.
SELECT
    session_id,
    org_id,
    version,
    log_partition,
    thread_id,
    run_id,
    parent_id,
    relation,
    external_id,
    trigger,
    sensitive,
    user_id,
    project_id,
    repository_id,
    repo,
    remote_url,
    component,
    branch,
    agent_name,
    model,
    title,
    summary,
    toUnixTimestamp64Milli(started_at) AS started_ms,
    toUnixTimestamp64Milli(last_event_at) AS last_event_ms,
    toUnixTimestamp64Milli(ended_at) AS ended_ms,
    outcome,
    duration_ms,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_creation_tokens,
    cache_creation_1h_tokens,
    cost_nano,
    models,
    events,
    prompts,
    tool_calls,
    tool_errors,
    tasks,
    subagents,
    compactions,
    unknown_events,
    tools,
    redactions,
    if({with_prompts:Bool}, first_prompts, []) AS first_prompts
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
  AND (empty({started_hours:Array(DateTime('UTC'))}) OR started_hour IN {started_hours:Array(DateTime('UTC'))})
SETTINGS
    max_threads = 2,
    merge_tree_min_rows_for_concurrent_read = 1,
    merge_tree_min_bytes_for_concurrent_read = 1
