-- What happened in the sessions that started in some hours: half of each's tokens and money at its start and half at its
-- last event, the rest at its start.
INSERT INTO amounts
(
    org_id, bucket, session_id, version, log_partition, project_id, repo, agent_name, user_id, models, tools, prompts,
    api_requests, api_errors, lines_added, lines_removed, commits, pull_requests, active_ms
)
WITH
    toStartOfFifteenMinutes(started_at) AS first,
    toStartOfFifteenMinutes(assumeNotNull(last_event_at)) AS last,
    (total, part) -> toInt64(multiIf(part = 'all', total, part = 'half', total - intDiv(total, 2), intDiv(total, 2))) AS of
SELECT
    org_id,
    place.1,
    session_id,
    version,
    log_partition,
    project_id,
    repo,
    agent_name,
    user_id,
    arrayMap(one -> (one.model, of(one.input_tokens, place.2), of(one.output_tokens, place.2),
        of(one.cache_read_tokens, place.2), of(one.cache_creation_tokens, place.2), 0, of(one.cost_nano, place.2)), models),
    if(place.2 = 'rest', [], tools),
    if(place.2 = 'rest', 0, prompts),
    0, 0, 0, 0, 0, 0, 0
FROM sessions FINAL
ARRAY JOIN if(first = last, [(first, 'all')], [(first, 'half'), (last, 'rest')]) AS place
WHERE started_hour >= {since:DateTime('UTC')}
  AND started_hour < {until:DateTime('UTC')}
