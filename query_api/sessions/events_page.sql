-- Which hook events of a session match, in log order from a version on: the first of them, and how large is each?
-- Table: facts (key: org_id, session_id, event_id). Event ids are in no order, so the whole session is read, but only
-- in narrow columns; `version` falls as the place in the log rises.
SELECT
    event_id,
    version,
    length(data) AS bytes
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND kind = 'events_recorded'
  AND version <= {version_max:UInt64}
  AND ({after:Nullable(DateTime64(3, 'UTC'))} IS NULL OR timestamp >= {after:Nullable(DateTime64(3, 'UTC'))})
  AND ({before:Nullable(DateTime64(3, 'UTC'))} IS NULL OR timestamp < {before:Nullable(DateTime64(3, 'UTC'))})
  AND ({event_type:Nullable(String)} IS NULL OR event_type = {event_type:Nullable(String)})
  AND ({tool_name:Nullable(String)} IS NULL OR nullIf(tool_name, '') = {tool_name:Nullable(String)})
  AND ({agent_id:Nullable(String)} IS NULL OR nullIf(agent_id, '') = {agent_id:Nullable(String)})
ORDER BY version DESC
LIMIT {limit:UInt64}
