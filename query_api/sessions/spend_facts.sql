-- Which requests to models, prompts and tool uses does a session have below an offset, each once, in log order?
-- Table: facts (key: org_id, session_id, place). Payloads stay in the store. Only telemetry, and requests sent as events,
-- name the request and the prompt that they belong to; a payload that cannot be parsed names none.
SELECT
    place,
    event_id,
    toUnixTimestamp64Milli(timestamp) AS at_ms,
    toUnixTimestamp64Milli(received_at) AS received_ms,
    event_type,
    tool_name,
    tool_use_id,
    agent_id,
    model,
    label,
    toBool(JSONExtractBool(facts.parsed, 'telemetry')) AS by_telemetry,
    toBool(JSONExtractString(facts.parsed, 'source') != '') AS by_machine,
    multiIf(
        event_type = 'UserPromptSubmit', JSONExtractString(facts.parsed, 'prompt_id'),
        event_type = 'ApiRequest', JSONExtractString(data, 'prompt_id'),
        '') AS prompt_id,
    if(by_telemetry, JSONExtractString(data, 'request_id'), '') AS request_id,
    JSONExtract(facts.parsed, 'usage', 'Tuple(String, Int64, Int64, Int64, Int64, Int64, Nullable(Int64))') AS usage,
    JSONExtract(facts.parsed, 'calls', 'Array(Tuple(String, String, String))') AS calls
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND place >= {since:UInt64}
  AND place < {version:UInt64} * 65536
  AND event_type IN {event_types:Array(String)}
ORDER BY place
LIMIT {limit:UInt64}
