        org_id, started_hour, session_id, version, log_partition, created, thread_id, run_id, parent_id,
        relation, external_id, trigger, sensitive, user_id, project_id, repository_id, repo, remote_url,
        component, branch, agent_name, model, title, summary, started_at, last_event_at, ended_at, outcome,
        duration_ms, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
        cache_creation_1h_tokens, cost_nano, models, events, prompts, tool_calls, tool_errors, tasks, subagents,
        compactions, unknown_events, tools, redactions, first_prompts, search_text, client, client_version, is_reported,
        measured, measured_cost_nano, agents, api_requests, api_errors, is_work_reported, lines_added, lines_removed,
        commits, pull_requests, active_ms, is_incomplete
