-- What were the first prompts of these sessions of an org? One row each, in no order.
-- Table: sessions (key: org_id, started_hour, session_id); where the hours are not
-- given, the bloom filter on session_id finds them.
SELECT
    session_id,
    first_prompts
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
  AND (empty({started_hours:Array(DateTime('UTC'))}) OR started_hour IN {started_hours:Array(DateTime('UTC'))})
SETTINGS max_threads = 1
