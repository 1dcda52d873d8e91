-- What were the first prompts of these sessions of an org? One row each, in no order.
-- Table: sessions (key: org_id, started_hour, session_id); the bloom filter on session_id finds their hours.
SELECT
    session_id,
    first_prompts
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
SETTINGS max_threads = 1
